/* The container's /etc/passwd and /etc/group, and who is asked for, apart by NULs: passwd NUL group NUL user NUL group names, each with a NUL. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "mutate.h"
#include "passwd.h"

static const char *passwd, *group;

/* In place of in_root.c: the files are what this input says. */
int open_in_root(const struct context *at, const char *path, int flags)
{
	(void)at; (void)flags;
	const char *text = strstr(path, "passwd") ? passwd : group;
	int fd = memfd_create("file", MFD_CLOEXEC);
	size_t length = strlen(text);
	if (fd < 0 || write(fd, text, length) != (ssize_t)length || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	return fd;
}

void try_input(const uint8_t *at, size_t length)
{
	struct context context = { .root_fd = -1 };
	struct user user;
	char *text = malloc(length + 4), *part[3];
	memcpy(text, at, length);
	memset(text + length, 0, 4);
	char *rest = text;
	for (int i = 0; i < 3; i++) {
		part[i] = rest;
		rest += strlen(rest) + 1;
	}
	if (rest > text + length + 4)
		abort();
	passwd = part[0];
	group = part[1];
	/* more groups in the plan's own form */
	uint8_t names[512];
	uint32_t used = 0, count = 0;
	while (rest < text + length && count < 8) {
		uint32_t size = strlen(rest);
		if (used + 5 + size > sizeof names)
			break;
		memcpy(names + used, &size, 4);
		memcpy(names + used + 4, rest, size + 1);
		used += 5 + size;
		rest += size + 1;
		count++;
	}
	int result = resolve_user(&context, part[2], (struct strings){ count, { names, names + used } }, &user);
	if (result == 0 && (user.uid == UINT32_MAX || user.gid == UINT32_MAX || user.groups_count > GROUPS_LIMIT || strnlen(user.home, sizeof user.home) == sizeof user.home || *user.home != '/'))
		abort();
	free(text);
}
