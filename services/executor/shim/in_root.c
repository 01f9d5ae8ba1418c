/* Paths in a tree the container controls: always resolved by the kernel below the root's descriptor, never as a path of ours (hardening class A). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "plan.h"
#include "mount_calls.h"

#define LINKS_LIMIT 40 /* as the kernel has it (path_resolution(7)) */

static int open_resolved(int directory, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = resolve | RESOLVE_NO_MAGICLINKS };
	/* EAGAIN: somebody renamed below us while ".." was resolved */
	for (int tries = 0; tries < 64; tries++) {
		int fd = sys_openat2(directory, path, &how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			return fd < 0 ? -errno : fd;
	}
	return -EAGAIN;
}

int open_in_root(const struct context *at, const char *path, int flags)
{
	return at->root_fd < 0 ? -EINVAL : open_resolved(at->root_fd, *path ? path : "/", flags, RESOLVE_IN_ROOT);
}

int open_beneath(int directory, const char *path, int flags)
{
	return open_resolved(directory, path, flags, RESOLVE_BENEATH);
}

/* By its descriptor: the name may be a symlink to anywhere by now, and chmod(2) by name would follow it. */
static int make_directory(int parent, const char *name, mode_t mode, uint32_t uid, uint32_t gid)
{
	if (mkdirat(parent, name, 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	autoclose int made = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return made < 0 || fchown(made, uid, gid) < 0 || fchmod(made, mode) < 0 ? -errno : 0;
}

/*
 * Where a path leads whose last component is a symlink to nothing: images have them, as /etc/resolv.conf to ../run/resolv.conf. A text only, which the
 * kernel walks below the root like any other. `rest`: what came after that component.
 */
static int behind_link(const struct context *at, const char *path, const char *rest, char *to, size_t size)
{
	char target[4096];
	autoclose int link = open_in_root(at, path, O_PATH | O_NOFOLLOW);
	if (link < 0)
		return link;
	ssize_t length = readlinkat(link, "", target, sizeof target - 1);
	if (length < 0)
		return errno == EINVAL ? -ENOENT : -errno; /* no symlink any more */
	target[length] = 0;
	const char *slash = *target == '/' ? path : strrchr(path, '/');
	int used = snprintf(to, size, "%.*s/%s/%s", slash ? (int)(slash - path) : 0, path, target, rest);
	return used < 0 || (size_t)used >= size ? -ENAMETOOLONG : 0;
}

static int make_directories(const struct context *at, const char *path, mode_t mode, uint32_t uid, uint32_t gid, int links)
{
	char whole[4096], instead[4096];
	size_t length = strlen(path);
	if (length >= sizeof whole)
		return -ENAMETOOLONG;
	int parent = open_in_root(at, "/", O_PATH | O_DIRECTORY);
	for (size_t i = 0; parent >= 0 && i < length;) {
		while (path[i] == '/')
			i++;
		size_t start = i;
		while (i < length && path[i] != '/')
			i++;
		if (i == start)
			break;
		char name[256];
		if (i - start >= sizeof name) {
			close(parent);
			return -ENAMETOOLONG;
		}
		memcpy(whole, path, i);
		whole[i] = 0;
		memcpy(name, path + start, i - start);
		name[i - start] = 0;
		int next = open_in_root(at, whole, O_PATH | O_DIRECTORY);
		if (next == -ENOENT && strcmp(name, "..") != 0) {
			next = make_directory(parent, name, mode, uid, gid);
			if (!next)
				next = open_in_root(at, whole, O_PATH | O_DIRECTORY);
			if (next == -ENOENT && links > 0 && behind_link(at, whole, path + i, instead, sizeof instead) == 0)
				next = make_directories(at, instead, mode, uid, gid, links - 1), i = length;
		}
		close(parent);
		parent = next;
	}
	return parent;
}

/* Goes down one component at a time; a component that is a symlink is resolved below the root by taking the path so far as a whole. */
int make_directories_in_root(const struct context *at, const char *path, mode_t mode, uint32_t uid, uint32_t gid)
{
	return make_directories(at, path, mode, uid, gid, LINKS_LIMIT);
}

/* A file whose name is a symlink to nothing is made where that leads. */
int make_file_in_root(const struct context *at, const char *path)
{
	char now[4096], instead[4096];
	if (strlen(path) >= sizeof now)
		return -ENAMETOOLONG;
	strcpy(now, path);
	for (int links = 0; links <= LINKS_LIMIT; links++) {
		const char *name;
		autoclose int parent = open_parent_in_root(at, now, &name);
		if (parent < 0)
			return parent;
		int fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd >= 0)
			close(fd);
		else if (errno != EEXIST)
			return -errno;
		int found = open_in_root(at, now, O_PATH);
		if (found != -ENOENT)
			return found;
		int result = behind_link(at, now, "", instead, sizeof instead);
		if (result < 0)
			return result;
		strcpy(now, instead);
		for (size_t end = strlen(now); end > 1 && now[end - 1] == '/'; end--)
			now[end - 1] = 0;
	}
	return -ELOOP;
}

int open_parent_in_root(const struct context *at, const char *path, const char **name)
{
	char directory[4096];
	const char *slash = strrchr(path, '/');
	*name = slash ? slash + 1 : path;
	if (!**name || !strcmp(*name, "..") || !strcmp(*name, "."))
		return -EINVAL;
	size_t length = slash ? (size_t)(slash - path) : 0;
	if (length >= sizeof directory)
		return -ENAMETOOLONG;
	memcpy(directory, path, length);
	directory[length] = 0;
	return make_directories_in_root(at, directory, 0755, 0, 0);
}

int open_host_null(int flags)
{
	struct stat file;
	int fd = open("/dev/null", flags | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &file) == 0 && S_ISCHR(file.st_mode) && file.st_rdev == makedev(1, 3))
		return fd;
	close(fd);
	return -ENODEV;
}

int own_proc(struct context *at)
{
	if (at->proc_fd >= 0)
		return at->proc_fd;
	autoclose int fs = sys_fsopen("proc");
	if (fs < 0 || sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return -errno;
	int fd = sys_fsmount(fs, 0);
	return at->proc_fd = fd < 0 ? -errno : fd;
}
