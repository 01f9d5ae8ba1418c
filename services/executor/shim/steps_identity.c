/* Steps that make the child the process that was asked for: limits, ids, capabilities, seccomp, exec. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "passwd.h"
#include "mount_calls.h"
#include "status.h"

static int write_proc(struct context *at, const char *path, const char *value)
{
	struct open_how how = { .flags = O_WRONLY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	int proc = own_proc(at);
	if (proc < 0)
		return proc;
	autoclose int fd = sys_openat2(proc, path, &how);
	if (fd < 0)
		return -errno;
	size_t length = strlen(value);
	ssize_t written = write(fd, value, length);
	return written < 0 ? -errno : (size_t)written == length ? 0 : -EIO;
}

int do_sysctl(struct context *at, const struct op_sysctl *op)
{
	char path[512] = "sys/";
	if (strlen(op->name) >= sizeof path - 4 || strstr(op->name, ".."))
		return -EINVAL;
	strcat(path, op->name);
	if (!strchr(op->name, '/'))
		for (char *at_dot = path; (at_dot = strchr(at_dot, '.'));)
			*at_dot = '/';
	return write_proc(at, path, op->value);
}

int do_set_rlimit(struct context *at, const struct op_set_rlimit *op)
{
	(void)at;
	struct rlimit wanted = { op->soft, op->hard }, now;
	if (setrlimit(op->resource, &wanted) == 0)
		return 0;
	if (errno != EPERM || !op->optional)
		return -errno;
	if (getrlimit(op->resource, &now) < 0)
		return -errno;
	now.rlim_cur = wanted.rlim_cur < now.rlim_max ? wanted.rlim_cur : now.rlim_max;
	return setrlimit(op->resource, &now) < 0 ? -errno : 0;
}

int do_raise_rlimit(struct context *at, const struct op_raise_rlimit *op)
{
	(void)at;
	struct rlimit limit;
	if (getrlimit(op->resource, &limit) < 0)
		return -errno;
	if (limit.rlim_max >= op->hard)
		return 0;
	limit.rlim_max = op->hard;
	/* refused: the step that sets it in the namespace tells of it, or does without where it may */
	return setrlimit(op->resource, &limit) < 0 && errno != EPERM ? -errno : 0;
}

int do_own_stdio(struct context *at, const struct op_own_stdio *op)
{
	(void)at;
	struct stat file;
	for (int fd = 0; fd <= 2; fd++)
		if (fstat(fd, &file) == 0 && S_ISFIFO(file.st_mode) && fchown(fd, op->uid, op->gid) < 0)
			return -errno;
	return 0;
}

int do_no_new_privileges(struct context *at, const struct op_no_new_privileges *op)
{
	(void)at; (void)op;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int do_seccomp(struct context *at, const struct op_seccomp *op)
{
	size_t count = op->program.length / sizeof(struct sock_filter);
	if (!count || count > BPF_MAXINSNS || op->program.length % sizeof(struct sock_filter))
		return -EINVAL;
	at->filter = (struct filter){ .program = op->program, .flags = op->flags, .step = at->step };
	return 0;
}

/* A new one: that of the engine, root's of the host, stays out of reach (session-keyring(7)). A kernel may have no keys at all. */
int do_session_keyring(struct context *at, const struct op_session_keyring *op)
{
	(void)at; (void)op;
	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS ? -errno : 0;
}

static int get_capabilities(struct capability_sets *sets)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	sets->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	sets->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	sets->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	return 0;
}

static int set_capabilities(struct capability_sets sets)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ sets.effective, sets.permitted, sets.inheritable },
		{ sets.effective >> 32, sets.permitted >> 32, sets.inheritable >> 32 },
	};
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* setfsuid(2) by another than root takes the rights over files from the effective set. Neither tells of a failure. */
int act_as(uint32_t uid, uint32_t gid)
{
	struct capability_sets sets;
	syscall(SYS_setfsgid, gid);
	syscall(SYS_setfsuid, uid);
	if ((uint32_t)syscall(SYS_setfsgid, gid) != gid || (uint32_t)syscall(SYS_setfsuid, uid) != uid)
		return -EPERM;
	int result = get_capabilities(&sets);
	if (result < 0)
		return result;
	sets.effective = sets.permitted;
	return set_capabilities(sets);
}

#define ADMIN (1ull << CAP_SYS_ADMIN)

/* What the kernel does not have, or we do not hold ourselves, is left out: more than that nobody can give. */
int do_capabilities(struct context *at, const struct op_capabilities *op)
{
	struct capability_sets now;
	int result = get_capabilities(&now);
	if (result < 0)
		return result;
	for (int capability = 0; capability < 64; capability++) {
		int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
		if (held < 0)
			break;
		if (held && !(op->bounding >> capability & 1) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
			return -errno;
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return -errno;
	struct capability_sets wanted = { op->effective & now.permitted, op->permitted & now.permitted, op->inheritable & now.permitted };
	wanted.effective &= wanted.permitted;
	struct capability_sets held = wanted;
	if (at->filter.program.length && !(wanted.effective & ADMIN)) {
		at->filter.keeps_admin = true;
		at->filter.left = wanted;
		at->filter.capabilities_step = at->step;
		held.permitted |= ADMIN & now.permitted;
		held.effective |= ADMIN & now.permitted;
	}
	result = set_capabilities(held);
	for (int capability = 0; !result && capability < 64; capability++)
		if ((op->ambient & wanted.permitted & wanted.inheritable) >> capability & 1)
			result = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0 ? -errno : 0;
	return result;
}

/* A user who is not root may open /dev/stdout again, that is its pipe or terminal by name. The host's /dev/null keeps its owner. */
static int give_stdio(const struct context *at, uint32_t uid)
{
	struct stat file;
	if (at->slave_fd >= 0)
		return fchown(at->slave_fd, uid, -1) < 0 ? -errno : 0;
	for (int fd = 0; fd <= 2; fd++)
		if (fstat(fd, &file) == 0 && S_ISFIFO(file.st_mode) && fchown(fd, uid, -1) < 0)
			return -errno;
	return 0;
}

int do_set_user(struct context *at, const struct op_set_user *op)
{
	struct user user;
	struct capability_sets sets;
	int result = resolve_user(at, op->user, op->extra_groups, &user);
	if (!result)
		result = give_stdio(at, user.uid);
	if (result < 0)
		return result;
	/* the permitted set is kept, so that `capabilities` after this decides alone; execve(2) drops it for who is not root */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(user.groups_count, user.groups) < 0)
		return -errno;
	if (setresgid(user.gid, user.gid, user.gid) < 0 || setresuid(user.uid, user.uid, user.uid) < 0)
		return -errno;
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	result = get_capabilities(&sets);
	if (result < 0)
		return result;
	sets.effective = sets.permitted;
	result = set_capabilities(sets);
	/* a change of ids clears both (commit_creds) */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	at->uid = user.uid;
	strcpy(at->home, user.home);
	return result;
}

int do_chdir(struct context *at, const struct op_chdir *op)
{
	char where[4096];
	if (!at->pivoted)
		return -EINVAL;
	int found = open_in_root(at, op->path, O_PATH | O_DIRECTORY);
	if (found == -ENOENT && op->create)
		found = make_directories_in_root(at, op->path, 0755, 0, 0);
	autoclose int directory = found;
	if (directory < 0)
		return directory;
	if (fchdir(directory) < 0)
		return -errno;
	/* CVE-2024-21626: a directory outside the root has a path, too, which the kernel marks "(unreachable)" */
	if (syscall(SYS_getcwd, where, sizeof where) < 0)
		return -errno;
	return where[0] == '/' ? 0 : -EXDEV;
}

void reset_signals(void)
{
	sigset_t none;
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

char **string_vector(struct strings from, size_t extra)
{
	char **items = calloc(from.count + extra + 1, sizeof *items);
	for (size_t i = 0; items && i < from.count; i++)
		items[i] = (char *)next_string(&from);
	return items;
}

static const char *variable(char **env, const char *name)
{
	size_t length = strlen(name);
	for (; *env; env++)
		if (!strncmp(*env, name, length) && (*env)[length] == '=')
			return *env + length + 1;
	return NULL;
}

/*
 * Of a file that is there and may be executed, and that the kernel cannot run all the same, the container tells: it has started, and ends. For want of an interpreter,
 * of a format that is known. In runc's words, and with its exit code.
 */
static _Noreturn void end_unexecuted(const char *path, int failure)
{
	char why[64];
	snprintf(why, sizeof why, "%s", strerror(failure));
	*why |= 0x20; /* a small letter, as Go has them */
	dprintf(2, "exec %s: %s\n", path, why);
	_exit(255);
}

static int may_execute(const char *path)
{
	struct stat file;
	if (stat(path, &file) < 0)
		return -errno;
	return S_ISREG(file.st_mode) && faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : -EACCES;
}

/* As execvpe(3) does it, but for elements of PATH that are not absolute, which are passed over: the working directory holds nothing to run. */
static int find_program(const char *name, char **env, char path[4096])
{
	int failure = -ENOENT;
	size_t length = strlen(name);
	if (strchr(name, '/')) {
		if (length >= 4096)
			return -ENAMETOOLONG;
		strcpy(path, name);
		return may_execute(path);
	}
	const char *search = variable(env, "PATH");
	if (!search)
		search = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	while (length && *search) {
		size_t directory = strcspn(search, ":");
		if (directory && search[0] == '/' && directory + length + 2 <= 4096) {
			memcpy(path, search, directory);
			path[directory] = '/';
			memcpy(path + directory + 1, name, length + 1);
			int result = may_execute(path);
			if (result != -ENOENT && result != -ENOTDIR && result != -EACCES)
				return result;
			if (result == -EACCES)
				failure = result;
		}
		search += directory + (search[directory] == ':');
	}
	return failure;
}

/* From here on the only calls are capset(2), where the filter needed more than the command is to have, and execve(2). */
static int confine(struct context *at)
{
	const struct filter *filter = &at->filter;
	struct sock_fprog program = { filter->program.length / sizeof(struct sock_filter), (struct sock_filter *)filter->program.at };
	if (!program.len)
		return 0;
	at->step = filter->step;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, filter->flags, &program) < 0)
		return -errno;
	at->step = filter->capabilities_step;
	return filter->keeps_admin ? set_capabilities(filter->left) : 0;
}

int do_exec(struct context *at, const struct op_exec *op)
{
	char home[sizeof at->home + 8] = "HOME=", path[4096];
	char **args = string_vector(op->args, 0), **env = string_vector(op->env, 1);
	if (!args || !env)
		return -ENOMEM;
	if (!args[0])
		return -EINVAL;
	const char *given = variable(env, "HOME");
	if (!given || !*given) { /* an empty one is none */
		char **place = env;
		while (*place && (!given || *place + strlen("HOME=") != given))
			place++;
		strcat(home, *at->home ? at->home : "/");
		*place = home;
	}
	int result = find_program(args[0], env, path);
	if (result < 0)
		return result;
	setsid();
	if (at->slave_fd >= 0) {
		if (ioctl(at->slave_fd, TIOCSCTTY, 0) < 0)
			return -errno;
		for (int fd = 0; fd <= 2; fd++)
			if (dup2(at->slave_fd, fd) < 0)
				return -errno;
	}
	if (syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	reset_signals();
	result = confine(at);
	if (result < 0)
		return result;
	at->last_words->executing = true;
	execve(path, args, env);
	end_unexecuted(path, errno);
}
