/* Forks shims for a large process that must not fork itself. fd 0: u32 length, plan, again and again; fd 1: i32, the shim's pid or -errno, one a request in order. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "shim.h"

/* The memory of our arguments, which /proc/<pid>/cmdline shows. */
static struct { char *at; size_t length; } command_line;

void name_in_command_line(const char *task_directory)
{
	static const char program[] = "berth-shim";
	size_t room = command_line.length, named = strlen(task_directory);
	if (room < sizeof program + named + 1)
		return;
	memset(command_line.at, 0, room);
	memcpy(command_line.at, program, sizeof program);
	memcpy(command_line.at + sizeof program, task_directory, named);
}

static bool read_all(int fd, void *to, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t got = read(fd, (uint8_t *)to + done, length - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		done += got;
	}
	return true;
}

/* The shim keeps nothing of the zygote's: its session, directory, descriptors, and what becomes of its children are its own. */
static _Noreturn void become_shim(void *memory, size_t bytes, int ready_fd)
{
	setsid();
	signal(SIGCHLD, SIG_DFL);
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	if (ready_fd != 3) {
		dup2(ready_fd, 3);
		ready_fd = 3;
	}
	fcntl(3, F_SETFD, FD_CLOEXEC);
	syscall(SYS_close_range, 4, ~0u, 0);
	if (chdir("/") < 0)
		_exit(1);
	_exit(run_shim(memory, bytes, ready_fd));
}

static int32_t spawn(void *memory, size_t bytes)
{
	int ready[2];
	int32_t reply;
	if (pipe2(ready, O_CLOEXEC) < 0)
		return -errno;
	pid_t shim = fork();
	if (shim == 0)
		become_shim(memory, bytes, ready[1]);
	reply = shim < 0 ? -errno : -ECHILD;
	close(ready[1]);
	if (shim > 0 && !read_all(ready[0], &reply, sizeof reply))
		reply = -ECHILD;
	close(ready[0]);
	return reply;
}

int run_zygote(void)
{
	uint32_t length;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN); /* nobody waits for shims: the kernel forgets those that end, and init takes on the others when we do */
	signal(SIGINT, SIG_IGN); /* ^C in the engine's terminal: it ends when its stdin does */
	prctl(PR_SET_NAME, "berth-zygote", 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	while (read_all(0, &length, sizeof length)) {
		int32_t reply;
		if (length > PLAN_LIMIT || !length)
			return 1; /* the stream is out of step */
		void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED || !read_all(0, memory, length))
			return 1;
		reply = spawn(memory, length);
		munmap(memory, length);
		if (write(1, &reply, sizeof reply) != sizeof reply)
			return 1;
	}
	return 0;
}

int main(int count, char **args)
{
	if (count == 3 && !strcmp(args[1], "zygote")) {
		command_line.at = args[0];
		command_line.length = args[2] + strlen(args[2]) + 1 - args[0];
		return run_zygote();
	}
	static const char usage[] = "berth-shim is started by Berth's executor: berth-shim zygote <as much text as a shim's own command line is to have room for>\n";
	return write(2, usage, sizeof usage - 1) < 0 ? 1 : 2;
}
