/* Steps that enter or name namespaces. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/vfs.h>
#include "plan.h"

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

int do_join_namespace(struct context *at, const struct op_join_namespace *op)
{
	autoclose int fd = open(op->path, O_RDONLY | O_CLOEXEC);
	struct statfs file_system;
	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &file_system) < 0)
		return -errno;
	return file_system.f_type == NSFS_MAGIC ? enter(at, fd, op->flag) : -EINVAL;
}

int do_join_task(struct context *at, const struct op_join_task *op)
{
	if (at->task_pidfd < 0)
		return -ESRCH;
	if (at->status_fd >= 0)
		return enter(at, at->task_pidfd, op->flags);
	at->born_in = op->flags;
	return 0;
}

/*
 * Who is born in a container's pid namespace is seen there at once: with the host's root still its own, /proc/<pid>/root would be a way out for a
 * container that has CAP_SYS_PTRACE. So the shim goes into the mount namespace, too, and the child never knew another.
 */
static int own_pidns = -1, own_mntns = -1;

int enter_for_clone(const struct context *at)
{
	if (!at->born_in)
		return 0;
	if (own_pidns < 0)
		own_pidns = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	if (own_mntns < 0)
		own_mntns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (own_pidns < 0 || own_mntns < 0)
		return -errno;
	return setns(at->task_pidfd, at->born_in) < 0 ? -errno : 0;
}

void leave_after_clone(const struct context *at)
{
	if (!at->born_in)
		return;
	if (((at->born_in & CLONE_NEWNS) && setns(own_mntns, CLONE_NEWNS) < 0) || ((at->born_in & CLONE_NEWPID) && setns(own_pidns, CLONE_NEWPID) < 0))
		_exit(1);
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
