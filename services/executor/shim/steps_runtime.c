/* Steps of a plan whose child is an installed OCI runtime's command. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include "plan.h"

#define COMMAND_MS 20000
#define CONSOLE_MS 5000

int do_listen_console(struct context *at, const struct op_listen_console *op)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(op->path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	strcpy(address.sun_path, op->path);
	at->console_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (at->console_fd < 0)
		return -errno;
	unlink(op->path);
	mode_t before = umask(0177);
	int bound = bind(at->console_fd, (struct sockaddr *)&address, sizeof address);
	umask(before);
	at->console_path = op->path;
	return bound < 0 || listen(at->console_fd, 1) < 0 ? -errno : 0;
}

static int wait_readable(int fd, int timeout_ms)
{
	int ready = poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, timeout_ms);
	return ready < 0 ? -errno : ready ? 0 : -ETIMEDOUT;
}

int do_receive_console(struct context *at, const struct op_receive_console *op)
{
	(void)op;
	union { struct cmsghdr head; char space[CMSG_SPACE(sizeof(int))]; } control;
	char text[4096];
	struct iovec part = { text, sizeof text };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	int result = wait_readable(at->console_fd, CONSOLE_MS), master = -1;
	if (result < 0)
		return result;
	autoclose int from = accept4(at->console_fd, NULL, NULL, SOCK_CLOEXEC);
	if (from < 0)
		return -errno;
	result = wait_readable(from, CONSOLE_MS);
	if (result < 0 || recvmsg(from, &message, MSG_CMSG_CLOEXEC) < 0)
		return result < 0 ? result : -errno;
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS || head->cmsg_len < CMSG_LEN(sizeof master))
		return -EBADMSG;
	memcpy(&master, CMSG_DATA(head), sizeof master);
	close(at->console_fd);
	at->console_fd = master;
	struct winsize size = { .ws_row = at->rows, .ws_col = at->columns };
	if (at->rows && at->columns)
		ioctl(master, TIOCSWINSZ, &size);
	return 0;
}

int do_adopt(struct context *at, const struct op_adopt *op)
{
	char text[32];
	autoclose int fd = open(op->pid_file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t length = read(fd, text, sizeof text - 1);
	if (length < 0)
		return -errno;
	text[length] = 0;
	long pid = strtol(text, NULL, 10);
	if (pid <= 1 || pid > 1 << 30)
		return -EBADMSG;
	/* only a child of ours: a number that the runtime had wrong must not have us keep, and kill, a stranger */
	siginfo_t info;
	if (waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return -errno;
	at->adopted = pid;
	return 0;
}

int do_run_command(struct context *at, const struct op_run_command *op)
{
	(void)at;
	int status, result = 0;
	char **args = string_vector(op->args, 0), **env = string_vector(op->env, 0);
	pid_t pid = args && env && args[0] ? fork() : -1;
	if (pid == 0) {
		int null = open_host_null(O_RDWR);
		for (int fd = 0; fd <= 2; fd++)
			dup2(null, fd);
		syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
		reset_signals();
		execve(args[0], args, env);
		_exit(127);
	}
	free(args);
	free(env);
	if (pid < 0)
		return -EAGAIN;
	autoclose int pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0 || (result = wait_readable(pidfd, COMMAND_MS)) < 0)
		kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return result < 0 ? result : WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

int do_unmount(struct context *at, const struct op_unmount *op)
{
	close_held(&at->root_fd);
	at->root_fd = -1;
	return umount2(op->target, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT ? -errno : 0;
}
