/*
 * Holds a write lease of each FILE until standard input ends, whoever opens it: `lease FILE...`. Who opens one waits until the kernel takes the lease away, after
 * /proc/sys/fs/lease-break-time (fcntl(2), F_SETLEASE).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(int count, char **args)
{
	char byte;
	signal(SIGIO, SIG_IGN);
	for (int i = 1; i < count; i++) {
		int file = open(args[i], O_RDWR | O_CLOEXEC);
		if (file < 0 || fcntl(file, F_SETLEASE, F_WRLCK) < 0) {
			perror(args[i]);
			return 1;
		}
	}
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
