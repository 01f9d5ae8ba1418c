/*
 * User namespaces. A process of many threads can neither make one for itself nor enter one: a child that does nothing but be in it is made, looked at, and ended.
 */
#include "arguments.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

struct made {
	int user, network;
};

/* In the memory of all of us, on a stack of its own, deaf to signals: system calls alone, none of which fails. */
static int wait_for_the_end(void *nothing)
{
	(void)nothing;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (;;)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
	return 0;
}

static int write_map(int pid, const char *file, const char *map)
{
	char path[64];
	int fd, result;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	result = write(fd, map, strlen(map)) < 0 ? -errno : 0;
	close(fd);
	return result;
}

static int open_namespace(int pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, name);
	return (int)outcome(open(path, O_RDONLY | O_CLOEXEC));
}

static int look_at(int pid, const char *uid_map, const char *gid_map, struct made *made)
{
	int result = write_map(pid, "uid_map", uid_map);

	if (!result)
		result = write_map(pid, "gid_map", gid_map);
	if (result < 0)
		return result;
	made->user = open_namespace(pid, "user");
	if (made->user < 0)
		return made->user;
	made->network = open_namespace(pid, "net");
	if (made->network < 0)
		close(made->user);
	return made->network < 0 ? made->network : 0;
}

/* A child's stack is free only when it is gone; it signals nobody at its end. */
static void reap(int pidfd)
{
	siginfo_t info;

	while (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR)
		;
	close(pidfd);
}

/* clone(2) of memory alone, which takes no copy of it. 0, or -errno. */
static int new_user_namespace(const char *uid_map, const char *gid_map, struct made *made)
{
	enum { STACK_BYTES = 64 * 1024 };
	char *stack = malloc(STACK_BYTES);
	sigset_t all, before;
	int pidfd = -1, pid, result;

	if (!stack)
		return -ENOMEM;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = (int)outcome(clone(wait_for_the_end, stack + STACK_BYTES, CLONE_VM | CLONE_NEWUSER | CLONE_NEWNET | CLONE_PIDFD, NULL, &pidfd));
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	result = pid < 0 ? pid : look_at(pid, uid_map, gid_map, made);
	if (pid > 0) {
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
		reap(pidfd);
	}
	free(stack);
	return result;
}

struct entry {
	int user, network;
};

static int make_network(void *argument)
{
	struct entry *entry = argument;

	if (setns(entry->user, CLONE_NEWUSER) < 0 || unshare(CLONE_NEWNET) < 0)
		entry->network = -errno;
	else
		entry->network = (int)outcome(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
	return 0;
}

/* The child's descriptors are ours, and so is its errno, since we stand still until it is gone. */
static int network_namespace_in(int user)
{
	enum { STACK_BYTES = 64 * 1024 };
	struct entry entry = { .user = user, .network = -ECHILD };
	char *stack = malloc(STACK_BYTES);
	sigset_t all, before;
	int pidfd = -1, pid;

	if (!stack)
		return -ENOMEM;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = (int)outcome(clone(make_network, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD, &entry, &pidfd));
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid > 0)
		reap(pidfd);
	free(stack);
	return pid < 0 ? pid : entry.network;
}

/* (user namespace) -> descriptor of a new network namespace that it owns */
static napi_value js_new_network_namespace_in(napi_env env, napi_callback_info info)
{
	struct args args;
	int64_t user;

	if (!args_take(env, info, &args, 1) || !arg_int64(&args, 0, &user))
		return NULL;
	return int_value(env, network_namespace_in((int)user));
}

static napi_value descriptors(napi_env env, int failure, struct made made)
{
	napi_value pair;

	if (failure)
		return int_value(env, failure);
	napi_create_array_with_length(env, 2, &pair);
	napi_set_element(env, pair, 0, int_value(env, made.user));
	napi_set_element(env, pair, 1, int_value(env, made.network));
	return pair;
}

/* (uid_map, gid_map) -> descriptors of a new user namespace and of a new network namespace that it owns */
static napi_value js_new_user_namespace(napi_env env, napi_callback_info info)
{
	struct args args;
	struct path uids, gids;
	struct made made;
	int failure;

	if (!args_take(env, info, &args, 2) || !arg_path(&args, 0, &uids) || !arg_path(&args, 1, &gids))
		return NULL;
	failure = new_user_namespace(uids.bytes, gids.bytes, &made);
	return descriptors(env, failure, made);
}

struct birth {
	struct promised promised;
	struct path uids, gids;
	struct made made;
	int failure;
};

static void birth_execute(napi_env env, void *data)
{
	struct birth *birth = data;

	(void)env;
	birth->failure = new_user_namespace(birth->uids.bytes, birth->gids.bytes, &birth->made);
}

static void birth_complete(napi_env env, napi_status status, void *data)
{
	struct birth *birth = data;

	napi_resolve_deferred(env, birth->promised.deferred, descriptors(env, status == napi_ok ? birth->failure : -ECANCELED, birth->made));
	napi_delete_async_work(env, birth->promised.handle);
	free(birth);
}

/* The same on a thread of the pool. -> Promise of the same */
static napi_value js_new_user_namespace_async(napi_env env, napi_callback_info info)
{
	struct args args;
	struct birth *birth = calloc(1, sizeof *birth);
	napi_value promise;

	if (!birth)
		return int_value(env, -ENOMEM);
	if (!args_take(env, info, &args, 2) || !arg_path(&args, 0, &birth->uids) || !arg_path(&args, 1, &birth->gids)) {
		free(birth);
		return NULL;
	}
	promise = queued(env, "user namespace", birth_execute, birth_complete, birth, &birth->promised);
	if (!promise) {
		free(birth);
		return int_value(env, -ENOMEM);
	}
	return promise;
}

/*
 * Files that the calling thread, and it alone, makes from now on belong to these: (uid, gid). setfsuid(2) by another than root takes the rights over files from the
 * effective set, which gets them back.
 */
static napi_value js_make_files_as(napi_env env, napi_callback_info info)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[2];
	struct args args;
	int64_t uid, gid;

	if (!args_take(env, info, &args, 2) || !arg_int64(&args, 0, &uid) || !arg_int64(&args, 1, &gid))
		return NULL;
	syscall(SYS_setfsgid, (gid_t)gid);
	syscall(SYS_setfsuid, (uid_t)uid);
	if ((gid_t)syscall(SYS_setfsgid, (gid_t)gid) != (gid_t)gid || (uid_t)syscall(SYS_setfsuid, (uid_t)uid) != (uid_t)uid)
		return int_value(env, -EPERM);
	if (syscall(SYS_capget, &head, sets) < 0)
		return int_value(env, -errno);
	for (int i = 0; i < 2; i++)
		sets[i].effective = sets[i].permitted;
	return int_value(env, outcome(syscall(SYS_capset, &head, sets)));
}

const struct function user_functions[] = {
	{ "newUserNamespace", js_new_user_namespace },
	{ "newUserNamespaceAsync", js_new_user_namespace_async },
	{ "newNetworkNamespaceIn", js_new_network_namespace_in },
	{ "makeFilesAs", js_make_files_as },
	{ 0 },
};
