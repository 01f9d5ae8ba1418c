/* Steps on the host's own files and cgroups, whose paths are Berth's and not the container's. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include "plan.h"

int do_mkdir_host(struct context *at, const struct op_mkdir_host *op)
{
	(void)at;
	return mkdir(op->path, op->mode) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_whole(const char *path, struct bytes data)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* cgroup files take one write(2) as one value: a short write is no success */
	ssize_t written = write(fd, data.at, data.length);
	return written < 0 ? -errno : (size_t)written == data.length ? 0 : -EIO;
}

int do_write_file(struct context *at, const struct op_write_file *op)
{
	(void)at;
	return write_whole(op->path, op->data);
}

int do_write_file_optional(struct context *at, const struct op_write_file_optional *op)
{
	(void)at;
	write_whole(op->path, op->data);
	return 0;
}

int count_oom_kills(const char *path, uint32_t *kills)
{
	char text[4096];
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t length = read(fd, text, sizeof text - 1);
	if (length < 0)
		return -errno;
	text[length] = 0;
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, "oom_kill ", 9))
			*kills += strtoul(line + 9, NULL, 10);
	}
	return 0;
}

int do_read_oom(struct context *at, const struct op_read_oom *op)
{
	int result = count_oom_kills(op->path, &at->oom_kills);
	return result == -ENOENT ? 0 : result;
}

/* Whether a process is in a cgroup of that name, or below it. */
static bool is_in(long pid, const char *name)
{
	char path[64], text[8192];
	size_t length = strlen(name);
	snprintf(path, sizeof path, "/proc/%ld/cgroup", pid);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t held = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (held <= 0 || !length)
		return false;
	text[held] = 0;
	for (const char *found = text; (found = strstr(found, name)); found++)
		if (found > text && found[-1] == '/' && strchr("/\n", found[length]))
			return true;
	return false;
}

/* One that was listed may have ended since, and its number be another's: held first, then asked of, it is killed or nobody is. */
static void kill_member(long pid, const char *name)
{
	autoclose int process = syscall(SYS_pidfd_open, pid, 0);
	if (process >= 0 && is_in(pid, name))
		syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
}

/* v2 has one file for it; v1 has only the list, which grows while it is read, so it is read again until it is empty or the caller gives up. */
static void kill_members(int cgroup, const char *name)
{
	autoclose int all = openat(cgroup, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	if (all >= 0 && write(all, "1", 1) == 1)
		return;
	char text[4096];
	autoclose int fd = openat(cgroup, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	if (length <= 0)
		return;
	text[length] = 0;
	for (char *line = text; *line;) {
		char *end;
		long pid = strtol(line, &end, 10);
		if (end == line || *end != '\n')
			break; /* cut off at the end of the buffer: the next round reads it */
		if (pid > 1 && pid != getpid())
			kill_member(pid, name);
		line = end + 1;
	}
}

static void remove_below(int cgroup, const char *name, int depth)
{
	kill_members(cgroup, name);
	int list = openat(cgroup, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = list < 0 ? NULL : fdopendir(list);
	if (!dir)
		return;
	for (struct dirent *entry; depth < 16 && (entry = readdir(dir));) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		autoclose int child = openat(cgroup, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			remove_below(child, name, depth + 1);
		unlinkat(cgroup, entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
}

int do_rmdir_cgroup(struct context *at, const struct op_rmdir_cgroup *op)
{
	(void)at;
	const char *slash = strrchr(op->path, '/'), *name = slash ? slash + 1 : op->path;
	for (int tries = 0; tries < 60; tries++) {
		if (rmdir(op->path) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY && errno != ENOTEMPTY)
			return -errno;
		autoclose int cgroup = open(op->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (cgroup >= 0)
			remove_below(cgroup, name, 0);
		/* a killed process leaves its cgroup when it is reaped: 0.1 ms at first, 10 ms at last, half a second in all */
		nanosleep(&(struct timespec){ 0, tries < 10 ? 100000 : 10000000 }, NULL);
	}
	return -EBUSY;
}
