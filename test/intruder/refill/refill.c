/*
 * Makes a directory with a file in it, again and again when somebody takes it away, and exchanges it with a symlink to TARGET at full speed until standard input ends:
 * `refill DIRECTORY NAME FILE TARGET`. Who looks whether NAME is a directory, and then goes down by its name, finds the symlink.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

/* What was exchanged and then taken away has left a directory where the symlink is to be. */
static void make_link(int directory, const char *file, const char *target)
{
	int left = openat(directory, "link", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (left >= 0) {
		unlinkat(left, file, 0);
		close(left);
		unlinkat(directory, "link", AT_REMOVEDIR);
	}
	symlinkat(target, directory, "link");
}

static void fill(int directory, const char *name, const char *file)
{
	mkdirat(directory, name, 0755);
	int made = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (made < 0)
		return;
	int inside = openat(made, file, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (inside >= 0)
		close(inside);
	close(made);
}

int main(int count, char **args)
{
	if (count != 5)
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
		fill(directory, args[2], args[3]);
		make_link(directory, args[3], args[4]);
		for (int i = 0; i < 16; i++) {
			syscall(SYS_renameat2, directory, args[2], directory, "link", RENAME_EXCHANGE);
			if (i == 4 || i == 9)
				sched_yield(); /* with a symlink there, and with a directory */
		}
		if (rounds % 64 == 0 && poll(&in, 1, 0) == 1)
			return rounds < 50;
	}
}
