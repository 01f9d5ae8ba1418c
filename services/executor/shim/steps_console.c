/* The terminal: a pty of the container's own devpts, reached by descriptors only (hardening class D). */
#define _GNU_SOURCE
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include "plan.h"
#include "mount_calls.h"
#include "status.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

/* The node of a devpts itself; whatever /dev/ptmx of the image may be is not looked at. */
static int open_master(const struct context *at)
{
	struct statfs file_system;
	struct stat file;
	int fd = open_in_root(at, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	if (fstatfs(fd, &file_system) == 0 && file_system.f_type == DEVPTS_SUPER_MAGIC && fstat(fd, &file) == 0 && file.st_rdev == makedev(5, 2))
		return fd;
	close(fd);
	return -ENODEV;
}

static int bind_console(const struct context *at, int slave)
{
	const char *name;
	autoclose int parent = open_parent_in_root(at, "/dev/console", &name);
	if (parent < 0)
		return parent;
	int made = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (made >= 0)
		close(made);
	else if (errno != EEXIST)
		return -errno;
	autoclose int target = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	autoclose int tree = sys_open_tree(slave, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return target < 0 || tree < 0 || sys_move_mount(tree, target) < 0 ? -errno : 0;
}

int do_setup_console(struct context *at, const struct op_setup_console *op)
{
	int unlocked = 0;
	autoclose int master = open_master(at);
	if (master < 0)
		return master;
	if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		return -errno;
	at->slave_fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (at->slave_fd < 0)
		return -errno;
	struct winsize size = { .ws_row = at->rows, .ws_col = at->columns };
	if (at->rows && at->columns)
		ioctl(master, TIOCSWINSZ, &size);
	int result = op->bind_console ? bind_console(at, at->slave_fd) : 0;
	return result < 0 ? result : send_console(at->status_fd, master);
}
