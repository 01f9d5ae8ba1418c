#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "json.h"
#include "look.h"

void look_at_descriptors(void)
{
	json_open("descriptors", '[');
	for (int fd = 0; fd < 4096; fd++) {
		struct stat file;
		char path[64], target[4096];
		if (fstat(fd, &file) < 0)
			continue;
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		ssize_t length = readlink(path, target, sizeof target - 1);
		target[length < 0 ? 0 : length] = 0;
		json_open(NULL, '{');
		json_number("fd", fd);
		json_text("target", target);
		json_number("type", file.st_mode & S_IFMT);
		json_close('}');
	}
	json_close(']');
}

static void tell_device(const char *path, const struct stat *file)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int error = fd < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	json_open(NULL, '{');
	json_text("path", path);
	json_text("type", S_ISBLK(file->st_mode) ? "b" : "c");
	json_number("major", major(file->st_rdev));
	json_number("minor", minor(file->st_rdev));
	json_number("openErrno", error);
	json_close('}');
}

static void devices_below(const char *directory, int depth)
{
	DIR *dir = opendir(directory);
	for (struct dirent *entry; dir && depth < 4 && (entry = readdir(dir));) {
		char path[4096];
		struct stat file;
		if (entry->d_name[0] == '.' || snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) >= (int)sizeof path || lstat(path, &file) < 0)
			continue;
		if (S_ISDIR(file.st_mode))
			devices_below(path, depth + 1);
		else if (S_ISCHR(file.st_mode) || S_ISBLK(file.st_mode))
			tell_device(path, &file);
	}
	if (dir)
		closedir(dir);
}

static void make_and_open(const char *name, mode_t type, unsigned major_number, unsigned minor_number)
{
	static const char path[] = "/tmp/.probe-node";
	json_open(name, '{');
	unlink(path);
	json_number("makeErrno", mknod(path, type | 0600, makedev(major_number, minor_number)) < 0 ? errno : 0);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	json_number("openErrno", fd < 0 ? errno : 0);
	if (fd >= 0)
		close(fd);
	unlink(path);
	json_close('}');
}

void look_at_devices(void)
{
	json_open("devices", '[');
	devices_below("/dev", 0);
	json_close(']');
	make_and_open("kernelLogNode", S_IFCHR, 1, 11);
	make_and_open("memoryNode", S_IFCHR, 1, 1);
	make_and_open("loopNode", S_IFBLK, 7, 0);
}

static const char *seen(const char *path)
{
	struct stat file;
	if (stat(path, &file) < 0)
		return "absent";
	if (S_ISCHR(file.st_mode) && file.st_rdev == makedev(1, 3))
		return "null device";
	if (!S_ISDIR(file.st_mode))
		return "file";
	DIR *dir = opendir(path);
	int entries = 0;
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		entries += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	if (dir)
		closedir(dir);
	return entries ? "directory" : "empty directory";
}

void look_at_masks(void)
{
	static const char *const paths[] = {
		"/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
		"/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
	};
	json_open("masks", '{');
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		json_text(paths[i], seen(paths[i]));
	json_close('}');
}

static void writable_below(const char *directory, int depth)
{
	DIR *dir = opendir(directory);
	for (struct dirent *entry; dir && depth < 16 && (entry = readdir(dir));) {
		char path[4096];
		struct stat file;
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) >= (int)sizeof path || lstat(path, &file) < 0)
			continue;
		if (S_ISDIR(file.st_mode)) {
			/* processes but our own, and threads, which say the same again */
			bool process = !strcmp(directory, "/proc") && entry->d_name[strspn(entry->d_name, "0123456789")] == 0;
			if (!process && strcmp(entry->d_name, "task") != 0)
				writable_below(path, depth + 1);
			continue;
		}
		int fd = S_ISREG(file.st_mode) ? open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW) : -1;
		if (fd < 0)
			continue;
		close(fd);
		json_text(NULL, path);
	}
	if (dir)
		closedir(dir);
}

void look_for_writable(void)
{
	json_open("writable", '[');
	writable_below("/proc", 0);
	writable_below("/proc/self/", 0);
	writable_below("/sys", 0);
	json_close(']');
}
