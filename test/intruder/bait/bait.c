/*
 * Exchanges a plain file and a fifo at full speed until standard input ends: `bait DIRECTORY NAME OTHER`, both of which it makes. Says "opened" when somebody has opened the fifo for
 * reading, as he would open a device: who looks whether NAME is a plain file, and then opens it by its name, opens the fifo.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

/* Waits in the kernel until there is a reader, however briefly (fifo(7)). */
static pid_t watch(int directory, const char *name)
{
	char path[64];
	int fifo = openat(directory, name, O_PATH | O_CLOEXEC);
	pid_t pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fifo);
	if (open(path, O_WRONLY | O_CLOEXEC) >= 0)
		puts("opened");
	fflush(stdout);
	_exit(0);
}

int main(int count, char **args)
{
	if (count != 4)
		return 2;
	int directory = open(args[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int file = openat(directory, args[2], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0 || write(file, "plain\n", 6) != 6 || mkfifoat(directory, args[3], 0600) < 0) {
		perror(args[1]);
		return 1;
	}
	close(file);
	pid_t watcher = watch(directory, args[3]);
	puts("ready");
	fflush(stdout);
	unsigned long rounds = 0;
	for (;; rounds++) {
		syscall(SYS_renameat2, directory, args[2], directory, args[3], RENAME_EXCHANGE);
		struct pollfd in = { .fd = 0, .events = POLLIN };
		if (rounds % 1024 == 0 && poll(&in, 1, 0) == 1)
			break;
	}
	kill(watcher, SIGKILL);
	waitpid(watcher, NULL, 0);
	return rounds < 1000;
}
