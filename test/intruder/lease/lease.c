/*
 * Holds a write lease of each FILE until standard input ends, whoever opens it: `lease FILE...`. Who opens one waits until the kernel takes the lease away, after
 * /proc/sys/fs/lease-break-time (fcntl(2), F_SETLEASE). `lease -g FILE...` gives all back when one is asked for.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int newest = -1;

static void give_back(int signal)
{
	(void)signal;
	for (int file = 3; file <= newest; file++)
		fcntl(file, F_SETLEASE, F_UNLCK);
}

int main(int count, char **args)
{
	char byte;
	int gives = count > 1 && strcmp(args[1], "-g") == 0;
	signal(SIGIO, gives ? give_back : SIG_IGN);
	for (int i = 1 + gives; i < count; i++) {
		int file = open(args[i], O_RDWR | O_CLOEXEC);
		if (file < 0 || fcntl(file, F_SETLEASE, F_WRLCK) < 0) {
			perror(args[i]);
			return 1;
		}
		newest = file;
	}
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
