/* Who is at the other end of a socket, and processes by descriptor. */
#include "arguments.h"
#include <limits.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* unix(7) SO_PEERCRED and SO_PEERGROUPS: (fd) -> [pid, uid, gid, group...] or -errno */
static napi_value js_peer_credentials(napi_env env, napi_callback_info info)
{
	struct ucred credentials;
	socklen_t length = sizeof credentials;
	gid_t groups[NGROUPS_MAX / 16]; /* setgroups(2) takes 65536; who is in more than 4096 is refused, not cut short */
	socklen_t size = sizeof groups;
	struct args args;
	int32_t fd;
	napi_value list;

	if (!args_take(env, info, &args, 1) || !arg_int32(&args, 0, &fd))
		return NULL;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
		return int_value(env, -errno);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return int_value(env, -errno);
	napi_create_array_with_length(env, 3 + size / sizeof *groups, &list);
	napi_set_element(env, list, 0, int_value(env, credentials.pid));
	napi_set_element(env, list, 1, int_value(env, credentials.uid));
	napi_set_element(env, list, 2, int_value(env, credentials.gid));
	for (socklen_t i = 0; i < size / sizeof *groups; i++)
		napi_set_element(env, list, 3 + i, int_value(env, groups[i]));
	return list;
}

/* unix(7) SIOCOUTQ: (fd) -> bytes that were written and that the other end has not read, with what the kernel keeps beside them */
static napi_value js_unread_output(napi_env env, napi_callback_info info)
{
	struct args args;
	int32_t fd;
	int unread = 0;

	if (!args_take(env, info, &args, 1) || !arg_int32(&args, 0, &fd))
		return NULL;
	return int_value(env, ioctl(fd, SIOCOUTQ, &unread) < 0 ? -errno : unread);
}

/* pidfd_open(2): (pid) -> fd, close-on-exec by its nature */
static napi_value js_pidfd_open(napi_env env, napi_callback_info info)
{
	struct args args;
	int32_t pid;

	if (!args_take(env, info, &args, 1) || !arg_int32(&args, 0, &pid))
		return NULL;
	return int_value(env, outcome(syscall(SYS_pidfd_open, pid, 0)));
}

/* pidfd_send_signal(2): (pidfd, signal) */
static napi_value js_pidfd_send_signal(napi_env env, napi_callback_info info)
{
	struct args args;
	int32_t pidfd, signal;

	if (!args_take(env, info, &args, 2) || !arg_int32(&args, 0, &pidfd) || !arg_int32(&args, 1, &signal))
		return NULL;
	return int_value(env, outcome(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0)));
}

const struct function process_functions[] = {
	{ "peerCredentials", js_peer_credentials },
	{ "unreadOutput", js_unread_output },
	{ "pidfdOpen", js_pidfd_open },
	{ "pidfdSendSignal", js_pidfd_send_signal },
	{ 0 },
};
