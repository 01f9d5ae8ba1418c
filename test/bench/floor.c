/*
 * The floor: what the kernel alone takes for the life of a container without network. floor IMAGE DIR CGROUP... : for each line on stdin, a container of the tree IMAGE
 * (with /bin/true in it) that lives and is removed, then its microseconds on stdout. DIR is a folder on a disk; CGROUP the parents of its cgroups, one a hierarchy.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static const char *in(const char *directory, const char *name)
{
	static char path[4][4096];
	static int next;
	char *text = path[next++ % 4];
	snprintf(text, sizeof path[0], "%s/%s", directory, name);
	return text;
}

/* v1: one thread moves itself by `tasks`. v2 has no such file: the child is born there. */
static void join(char **cgroups)
{
	for (; *cgroups; cgroups++) {
		int fd = open(in(*cgroups, "floor/tasks"), O_WRONLY);
		if (fd < 0)
			continue;
		check(write(fd, "0", 1), "tasks");
		close(fd);
	}
}

static int v2_cgroup(char **cgroups)
{
	for (; *cgroups; cgroups++)
		if (access(in(*cgroups, "floor/tasks"), F_OK) < 0)
			return open(in(*cgroups, "floor"), O_RDONLY | O_DIRECTORY);
	return -1;
}

static void mask(const char *path)
{
	struct stat file;
	if (stat(path, &file) < 0)
		return;
	if (S_ISDIR(file.st_mode))
		check(mount("tmpfs", path, "tmpfs", MS_RDONLY, "size=0k"), path);
	else
		check(mount("/dev/null", path, NULL, MS_BIND, NULL), path);
}

static _Noreturn void container(const char *image, const char *directory, char **cgroups)
{
	static const char *const masked[] = { "proc/acpi", "proc/interrupts", "proc/kcore", "proc/keys", "proc/latency_stats", "proc/timer_list", "proc/sched_debug", "proc/scsi", "sys/firmware" };
	static const char *const readonly[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger" };
	char options[8192];
	join(cgroups);
	check(unshare(CLONE_NEWCGROUP), "unshare");
	check(sethostname("floor", 5), "sethostname");
	check(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), "propagation");
	snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", image, in(directory, "upper"), in(directory, "work"));
	check(mount("overlay", in(directory, "root"), "overlay", 0, options), "overlay");
	check(chdir(in(directory, "root")), "chdir");
	check(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
	check(mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755"), "dev");
	check(mkdir("dev/pts", 0755), "dev/pts");
	check(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"), "devpts");
	check(mkdir("dev/shm", 0755), "dev/shm");
	check(mount("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=65536k"), "shm");
	check(mount("sysfs", "sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL), "sys");
	for (int minor = 3; minor <= 9; minor += minor == 3 || minor == 5 ? 2 : 1) {
		char name[16];
		snprintf(name, sizeof name, "dev/n%d", minor);
		check(mknod(name, S_IFCHR | 0666, (1 << 8) | minor), name);
	}
	for (size_t i = 0; i < sizeof masked / sizeof *masked; i++)
		mask(masked[i]);
	for (size_t i = 0; i < sizeof readonly / sizeof *readonly; i++)
		if (mount(readonly[i], readonly[i], NULL, MS_BIND, NULL) == 0)
			check(mount(NULL, readonly[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), readonly[i]);
	check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "umount");
	check(chdir("/"), "chdir");
	execl("/bin/true", "true", NULL);
	check(-1, "execve");
	_exit(1);
}

static void life(const char *image, const char *directory, char **cgroups)
{
	static const char *const folders[] = { "upper", "work", "root" };
	for (char **cgroup = cgroups; *cgroup; cgroup++)
		check(mkdir(in(*cgroup, "floor"), 0755), *cgroup);
	for (int i = 0; i < 3; i++)
		check(mkdir(in(directory, folders[i]), 0755), folders[i]);
	int cgroup = v2_cgroup(cgroups), status;
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
		.exit_signal = SIGCHLD, .cgroup = cgroup >= 0 ? cgroup : 0,
	};
	pid_t pid = syscall(SYS_clone3, &args, sizeof args);
	if (pid == 0)
		container(image, directory, cgroups);
	check(pid, "clone3");
	check(waitpid(pid, &status, 0), "waitpid");
	if (status != 0)
		exit(1);
	close(cgroup);
	for (char **one = cgroups; *one; one++)
		while (rmdir(in(*one, "floor")) < 0)
			check(errno == EBUSY ? 0 : -1, "rmdir");
	rmdir(in(directory, "work/work"));
	for (int i = 0; i < 3; i++)
		check(rmdir(in(directory, folders[i])), folders[i]);
}

static double microseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

int main(int count, char **args)
{
	char line[8];
	if (count < 4)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof line, stdin)) {
		double before = microseconds();
		life(args[1], args[2], args + 3);
		printf("%.0f\n", microseconds() - before);
	}
	return 0;
}
