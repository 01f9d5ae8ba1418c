/*
 * Exchanges two names at full speed until standard input ends: `swap DIRECTORY NAME LINK TARGET`. NAME becomes a directory, LINK a symlink to TARGET, both
 * in DIRECTORY; from then on each is what the other was a moment ago (renameat2(2), RENAME_EXCHANGE).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

int main(int count, char **args)
{
	if (count != 5)
		return 2;
	int directory = open(args[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0 || (mkdirat(directory, args[2], 0755) < 0 && access(args[2], F_OK) < 0) || symlinkat(args[4], directory, args[3]) < 0) {
		perror(args[1]);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	unsigned long rounds = 0;
	for (;; rounds++) {
		syscall(SYS_renameat2, directory, args[2], directory, args[3], RENAME_EXCHANGE);
		struct pollfd in = { .fd = 0, .events = POLLIN };
		if (rounds % 1024 == 0 && poll(&in, 1, 0) == 1)
			break;
	}
	printf("%lu\n", rounds);
	return rounds < 1000;
}
