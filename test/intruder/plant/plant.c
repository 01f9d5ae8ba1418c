/*
 * Puts a symlink to TARGET in the place of a name, whatever is there, at full speed until standard input ends: `plant DIRECTORY NAME TARGET`. Whoever makes NAME and then
 * goes back to it by its name finds the symlink.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

int main(int count, char **args)
{
	if (count != 4)
		return 2;
	int directory = open(args[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0) {
		perror(args[1]);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (unsigned long rounds = 0;; rounds++) {
		struct pollfd in = { .fd = 0, .events = POLLIN };
		if (symlinkat(args[3], directory, "planted") == 0 && renameat(directory, "planted", directory, args[2]) < 0)
			unlinkat(directory, "planted", 0);
		if (rounds % 1024 == 0 && poll(&in, 1, 0) == 1)
			return rounds < 1000;
	}
}
