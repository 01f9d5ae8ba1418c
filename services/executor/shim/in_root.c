/* Paths in a tree the container controls: always resolved by the kernel below the root's descriptor, never as a path of ours (hardening class A). */
#define _GNU_SOURCE
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "plan.h"
#include "mount_calls.h"

int open_in_root(const struct context *at, const char *path, int flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	if (at->root_fd < 0)
		return -EINVAL;
	/* EAGAIN: somebody renamed below us while ".." was resolved */
	for (int tries = 0; tries < 64; tries++) {
		int fd = sys_openat2(at->root_fd, *path ? path : "/", &how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			return fd < 0 ? -errno : fd;
	}
	return -EAGAIN;
}

/* Goes down one component at a time; a component that is a symlink is resolved below the root by taking the path so far as a whole. */
int make_directories_in_root(const struct context *at, const char *path, mode_t mode, uint32_t uid, uint32_t gid)
{
	char whole[4096];
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
			int made = mkdirat(parent, name, mode);
			if (made < 0 && errno != EEXIST)
				next = -errno;
			else {
				if (made == 0 && (fchmodat(parent, name, mode, 0) < 0 || fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)) {
					next = -errno;
					close(parent);
					return next;
				}
				next = open_in_root(at, whole, O_PATH | O_DIRECTORY);
			}
		}
		close(parent);
		parent = next;
	}
	return parent;
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
