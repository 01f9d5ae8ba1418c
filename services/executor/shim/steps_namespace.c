/* Steps that enter or name namespaces. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include "plan.h"
#include "status.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* CLONE_NEWPID counts for children alone: the shim enters it, clones, and goes back (setns(2) allows one's own pid namespace). */
static int enter(struct context *at, int fd, int flags)
{
	if ((flags & CLONE_NEWPID) && at->pidns_fd < 0) {
		if (at->status_fd >= 0)
			return -EINVAL; /* in the child it would do nothing */
		at->pidns_fd = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
		if (at->pidns_fd < 0)
			return -errno;
	}
	if (setns(fd, flags) < 0)
		return -errno;
	if (flags & CLONE_NEWNS) { /* "/" is now the root of that mount namespace */
		close_held(&at->root_fd);
		at->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		at->pivoted = true;
		return at->root_fd < 0 ? -errno : 0;
	}
	return 0;
}

int open_namespace(const char *path)
{
	struct statfs file_system;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = fstatfs(fd, &file_system) < 0 ? -errno : file_system.f_type == NSFS_MAGIC ? fd : -EINVAL;
	if (result < 0)
		close(fd);
	return result;
}

int do_join_namespace(struct context *at, const struct op_join_namespace *op)
{
	autoclose int fd = open_namespace(op->path);
	return fd < 0 ? fd : enter(at, fd, op->flag);
}

int do_hold_pid_namespace(struct context *at, const struct op_hold_pid_namespace *op)
{
	int fd = open_namespace(op->path);
	if (fd < 0)
		return fd;
	at->task_pidfd = fd;
	return 0;
}

/*
 * Who is in a container's pid namespace is seen there, and looked into by a container with CAP_SYS_PTRACE: /proc/<pid>/root and /fd of somebody who still
 * has the host's are a way out. So the child joins all other namespaces first, out of sight, and a process that never had more takes its place, the shim's
 * child like itself (clone(2), CLONE_PARENT).
 */
static int be_born(struct context *at)
{
	int pidfd = -1;
	struct clone_args args = { .flags = CLONE_PARENT | CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&pidfd };
	close_held(&at->task_pidfd);
	close_held(&at->proc_fd); /* of the pid namespace that is left: it shows the host's processes */
	close_held(&at->null_fd);
	pid_t pid = syscall(SYS_clone3, &args, sizeof args);
	if (pid < 0)
		return -errno;
	if (pid > 0)
		_exit(send_born(at->status_fd, pid, pidfd) < 0);
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ? -errno : 0;
}

/* Ids of the host that the namespace has no name for are nobody's in it, and can make nothing there. */
static int become_root(void)
{
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return -errno;
	/* a change of ids changes both (commit_creds) */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return 0;
}

int do_join_task(struct context *at, const struct op_join_task *op)
{
	uint32_t others = op->flags & ~CLONE_NEWPID;
	if (at->task_pidfd < 0)
		return -ESRCH;
	int result = others ? enter(at, at->task_pidfd, others) : 0;
	if (!result && (op->flags & CLONE_NEWUSER))
		result = become_root();
	if (result < 0 || !(op->flags & CLONE_NEWPID))
		return result;
	if (setns(at->task_pidfd, CLONE_NEWPID) < 0)
		return -errno;
	return be_born(at);
}

int do_open_user_namespace(struct context *at, const struct op_open_user_namespace *op)
{
	struct statfs file_system;
	close_held(&at->userns_fd);
	at->userns_fd = open(op->path, O_RDONLY | O_CLOEXEC);
	if (at->userns_fd < 0 || fstatfs(at->userns_fd, &file_system) < 0)
		return -errno;
	return file_system.f_type == NSFS_MAGIC ? 0 : -EINVAL;
}

/*
 * The stage is the working directory, since that alone is found again in the new mount namespace without a path, on which the new root may not go. The child of a
 * pid namespace is another process; the shim's, like an exec's. Into the one of others it comes later, by do_join_task.
 */
int do_enter_user_namespace(struct context *at, const struct op_enter_user_namespace *op)
{
	bool is_born = op->flags & CLONE_NEWPID;
	if (at->userns_fd < 0 || at->stage_fd < 0)
		return -EINVAL;
	/* Among the host's processes nobody may mount a procfs in there: one is brought along, up to do_join_task. */
	int result = is_born ? 0 : own_proc(at);
	if (result < 0)
		return result;
	if (fchdir(at->stage_fd) < 0 || setns(at->userns_fd, CLONE_NEWUSER) < 0)
		return -errno;
	result = become_root();
	if (result < 0)
		return result;
	if (unshare(op->flags) < 0)
		return -errno;
	result = is_born ? be_born(at) : 0;
	if (result < 0)
		return result;
	close_held(&at->userns_fd);
	close_held(&at->stage_fd);
	close_held(&at->null_fd); /* of the mounts that were left */
	at->null_fd = open_host_null(O_PATH);
	return 0;
}

int do_unshare(struct context *at, const struct op_unshare *op)
{
	(void)at;
	return unshare(op->flags) < 0 ? -errno : 0;
}

int do_set_hostname(struct context *at, const struct op_set_hostname *op)
{
	(void)at;
	return sethostname(op->name, strlen(op->name)) < 0 ? -errno : 0;
}

int do_set_domainname(struct context *at, const struct op_set_domainname *op)
{
	(void)at;
	return setdomainname(op->name, strlen(op->name)) < 0 ? -errno : 0;
}
