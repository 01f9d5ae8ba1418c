/* v2's device rules: a program of the kernel's, which the cgroup holds from then on. The descriptors are needed for no longer than this step. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include "plan.h"

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	int result = syscall(SYS_bpf, command, attr, sizeof *attr);
	return result < 0 ? -errno : result;
}

int do_device_filter(struct context *at, const struct op_device_filter *op)
{
	(void)at;
	if (!op->program.length || op->program.length % sizeof(struct bpf_insn))
		return -EINVAL;
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insns = (uintptr_t)op->program.at, .insn_cnt = op->program.length / sizeof(struct bpf_insn),
		.license = (uintptr_t)"Apache-2.0", .prog_name = "berth_devices", .expected_attach_type = BPF_CGROUP_DEVICE,
	};
	autoclose int program = bpf(BPF_PROG_LOAD, &load); /* close-on-exec, as all that bpf(2) returns */
	if (program < 0)
		return program;
	autoclose int cgroup = open(op->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup < 0)
		return -errno;
	/* MULTI: programs of cgroups above, a unit's of systemd, are asked too, and a container may attach more below. */
	union bpf_attr attach = { .target_fd = cgroup, .attach_bpf_fd = program, .attach_type = BPF_CGROUP_DEVICE, .attach_flags = BPF_F_ALLOW_MULTI };
	return bpf(BPF_PROG_ATTACH, &attach);
}
