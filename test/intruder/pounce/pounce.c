/*
 * Looks at every process that appears in its pid namespace from the moment of its birth, until standard input ends, and says what it got hold of:
 * lines of "root" (a root that is not ours), "directory <path>", "file <path>" (open in the other), "traced" (it could be stopped before its exec). After "for" come
 * paths to look for instead, below the root and the open directories of processes that may have both: "found <path>".
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct stat own_root;
static char told[256][160];
static int told_count;

static void tell(const char *what, const char *which)
{
	char line[160];
	snprintf(line, sizeof line, "%s %s", what, which);
	for (int i = 0; i < told_count; i++)
		if (!strcmp(told[i], line))
			return;
	if (told_count < 256)
		strcpy(told[told_count++], line);
	puts(line);
	fflush(stdout);
}

static void look_at_root(long pid)
{
	char path[64];
	struct stat root;
	snprintf(path, sizeof path, "/proc/%ld/root/", pid);
	if (stat(path, &root) == 0 && (root.st_dev != own_root.st_dev || root.st_ino != own_root.st_ino))
		tell("root", "");
}

static void look_at_descriptors(long pid)
{
	char path[64], target[128];
	struct stat file = { 0 };
	for (int fd = 3; fd < 64; fd++) {
		snprintf(path, sizeof path, "/proc/%ld/fd/%d", pid, fd);
		ssize_t length = readlink(path, target, sizeof target - 1);
		if (length < 0)
			continue;
		target[length] = 0;
		/* What lies where we see it too is the container's own: its user database is read for an exec. */
		struct stat same;
		if (stat(path, &file) < 0)
			continue;
		bool own = stat(target, &same) == 0 && file.st_dev == same.st_dev && file.st_ino == same.st_ino;
		if (!own && (S_ISDIR(file.st_mode) || S_ISREG(file.st_mode)))
			tell(S_ISDIR(file.st_mode) ? "directory" : "file", target);
	}
}

/* `root` or a descriptor of it, followed by what only the host has. */
static void look_for(long pid, char **paths)
{
	char place[32], path[256];
	for (int fd = 2; fd < 64; fd++) {
		snprintf(place, sizeof place, fd == 2 ? "root" : "fd/%d", fd);
		for (char **wanted = paths; *wanted; wanted++) {
			snprintf(path, sizeof path, "/proc/%ld/%s%s", pid, place, *wanted);
			if (access(path, F_OK) == 0)
				tell("found", *wanted);
		}
	}
}

static bool is_before_exec(long pid)
{
	char path[64], name[32] = "";
	snprintf(path, sizeof path, "/proc/%ld/comm", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, name, sizeof name - 1);
	if (fd >= 0)
		close(fd);
	return length > 0 && !strcmp(name, "berth-shim\n");
}

/* After its exec a process is one of the container's like any other, and may be traced by the others. */
static void try_to_stop(long pid)
{
	if (!is_before_exec(pid) || ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
		return;
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	if (waitpid(pid, NULL, __WALL) == pid && is_before_exec(pid))
		tell("traced", "");
	ptrace(PTRACE_DETACH, pid, 0, 0);
}

int main(int count, char **args)
{
	long newest = getpid(), seen = newest;
	bool traces = count > 1 && !strcmp(args[1], "trace");
	char **paths = count > 1 && !strcmp(args[1], "for") ? args + 2 : NULL;
	if (stat("/", &own_root) < 0)
		return 1;
	puts("ready");
	fflush(stdout);
	for (unsigned round = 0;; round++) {
		char path[32];
		snprintf(path, sizeof path, "/proc/%ld", newest + 1);
		if (access(path, F_OK) == 0)
			newest++;
		for (long pid = newest; pid > seen && pid > newest - 2; pid--) {
			if (paths) {
				look_for(pid, paths);
				continue;
			}
			look_at_root(pid);
			look_at_descriptors(pid);
			if (traces)
				try_to_stop(pid);
		}
		struct pollfd in = { .fd = 0, .events = POLLIN };
		if (round % 1024 == 0 && poll(&in, 1, 0) == 1)
			return 0;
	}
}
