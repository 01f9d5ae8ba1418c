/*
 * Network namespaces, netlink sockets and unix datagrams. A network namespace belongs to a thread (namespaces(7)), so the calling thread visits one and comes back
 * before it returns to JavaScript. A thread that cannot come back would act on the wrong network from then on: it aborts.
 */
#include "arguments.h"
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define OWN_NAMESPACE "/proc/thread-self/ns/net"

static void come_back(int home)
{
	if (setns(home, CLONE_NEWNET) < 0) {
		perror("linux.node: cannot return to the network namespace");
		abort();
	}
	close(home);
}

/* unshare(2). A descriptor, or -errno. */
static int new_network_namespace(void)
{
	int home = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
	int made;

	if (home < 0)
		return -errno;
	if (unshare(CLONE_NEWNET) < 0) {
		int failure = -errno;

		close(home);
		return failure;
	}
	made = (int)outcome(open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC));
	come_back(home);
	return made;
}

/* unshare(2): () -> descriptor of a new network namespace */
static napi_value js_new_network_namespace(napi_env env, napi_callback_info info)
{
	struct args args;

	if (!args_take(env, info, &args, 0))
		return NULL;
	return int_value(env, new_network_namespace());
}

struct birth {
	struct promised promised;
	int made;
};

static void birth_execute(napi_env env, void *data)
{
	struct birth *birth = data;

	(void)env;
	birth->made = new_network_namespace();
}

static void birth_complete(napi_env env, napi_status status, void *data)
{
	struct birth *birth = data;

	napi_resolve_deferred(env, birth->promised.deferred, int_value(env, status == napi_ok ? birth->made : -ECANCELED));
	napi_delete_async_work(env, birth->promised.handle);
	free(birth);
}

/* The same on a thread of the pool, since the kernel takes a millisecond. -> Promise of the same */
static napi_value js_new_network_namespace_async(napi_env env, napi_callback_info info)
{
	struct args args;
	struct birth *birth;
	napi_value promise;

	if (!args_take(env, info, &args, 0))
		return NULL;
	birth = calloc(1, sizeof *birth);
	if (!birth)
		return int_value(env, -ENOMEM);
	promise = queued(env, "network namespace", birth_execute, birth_complete, birth, &birth->promised);
	if (!promise) {
		free(birth);
		return int_value(env, -ENOMEM);
	}
	return promise;
}

/* () -> descriptor of the calling thread's network namespace */
static napi_value js_own_network_namespace(napi_env env, napi_callback_info info)
{
	struct args args;

	if (!args_take(env, info, &args, 0))
		return NULL;
	return int_value(env, outcome(open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC)));
}

/* setns(2): (fd, nstype); only network namespaces may be joined by one thread of many */
static napi_value js_setns(napi_env env, napi_callback_info info)
{
	struct args args;
	int32_t fd;

	if (!args_take(env, info, &args, 1) || !arg_int32(&args, 0, &fd))
		return NULL;
	return int_value(env, outcome(setns(fd, CLONE_NEWNET)));
}

static int open_netlink(int protocol)
{
	struct timeval patience = { .tv_sec = 2 };
	int on = 1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return -errno;
	/* Old kernels lack the extended acks: messages are then only less telling. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0) {
		int failure = -errno;

		close(fd);
		return failure;
	}
	return fd;
}

/* netlink(7): (protocol, network namespace or -1 for the own one) -> fd. A socket stays in the namespace it was made in. */
static napi_value js_netlink_socket(napi_env env, napi_callback_info info)
{
	struct args args;
	int32_t protocol, namespace;
	int home, made;

	if (!args_take(env, info, &args, 2) || !arg_int32(&args, 0, &protocol) || !arg_int32(&args, 1, &namespace))
		return NULL;
	if (namespace < 0)
		return int_value(env, open_netlink(protocol));
	home = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return int_value(env, -errno);
	if (setns(namespace, CLONE_NEWNET) < 0) {
		int64_t failure = -errno;

		close(home);
		return int_value(env, failure);
	}
	made = open_netlink(protocol);
	come_back(home);
	return int_value(env, made);
}

/* How many final answers (an ack, or the end of a dump) a request of one or more messages asks for. */
static size_t answers_wanted(struct bytes request)
{
	size_t wanted = 0;

	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= request.length;) {
		const struct nlmsghdr *header = (const void *)(request.data + at);

		if (header->nlmsg_len < sizeof *header)
			break;
		if ((header->nlmsg_flags & NLM_F_ACK) || (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
			wanted++;
		at += NLMSG_ALIGN(header->nlmsg_len);
	}
	return wanted;
}

struct replies {
	uint8_t *data;
	size_t length, capacity;
	size_t answers;
	bool refused;
};

/* One datagram more. 0, or -errno. */
static int receive(int fd, struct replies *replies, int flags)
{
	enum { DATAGRAM = 65536 };
	ssize_t got;

	if (replies->capacity - replies->length < DATAGRAM) {
		size_t capacity = replies->capacity * 2 + DATAGRAM;
		uint8_t *data = realloc(replies->data, capacity);

		if (!data)
			return -ENOMEM;
		replies->data = data;
		replies->capacity = capacity;
	}
	do
		got = recv(fd, replies->data + replies->length, DATAGRAM, flags | MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if (got > DATAGRAM)
		return -EMSGSIZE;
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= (size_t)got;) {
		const struct nlmsghdr *header = (const void *)(replies->data + replies->length + at);

		if (header->nlmsg_len < sizeof *header || header->nlmsg_len > (size_t)got - at)
			return -EBADMSG;
		if (header->nlmsg_type == NLMSG_DONE)
			replies->answers++;
		if (header->nlmsg_type == NLMSG_ERROR) {
			replies->answers++;
			if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(int)) && *(const int *)NLMSG_DATA(header) != 0)
				replies->refused = true;
		}
		at += NLMSG_ALIGN(header->nlmsg_len);
	}
	replies->length += (size_t)got;
	return 0;
}

/* send(2). A request that is longer than what the socket may have unsent gets the room it needs. 0, or -errno. */
static int send_whole(int fd, struct bytes request)
{
	int room;

	if (send(fd, request.data, request.length, 0) >= 0)
		return 0;
	if (errno != EMSGSIZE || request.length > INT_MAX / 2)
		return -errno;
	room = (int)request.length; /* the kernel doubles it */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) < 0)
		return -errno;
	return send(fd, request.data, request.length, 0) < 0 ? -errno : 0;
}

/* send(2), then recv(2) until each message is answered. 0, or -errno; -EAGAIN after 2 s of silence. */
static int transact(int fd, struct bytes request, bool atomic, struct replies *replies)
{
	size_t wanted = answers_wanted(request);
	int failure;

	/* What a request that timed out left behind is not an answer to this one. */
	while (receive(fd, replies, MSG_DONTWAIT) == 0)
		replies->length = 0;
	replies->answers = 0;
	replies->refused = false;
	failure = send_whole(fd, request);
	while (!failure && replies->answers < wanted && !(atomic && replies->refused))
		failure = receive(fd, replies, 0);
	return failure;
}

/* (fd, request, atomic) -> replies in one Buffer, or -errno. atomic: an nfnetlink batch, in which one refusal may be the only answer. */
static napi_value js_netlink_transact(napi_env env, napi_callback_info info)
{
	struct args args;
	int32_t fd, atomic;
	struct bytes request;
	struct replies replies = { 0 };
	int failure;
	napi_value result;

	if (!args_take(env, info, &args, 3) || !arg_int32(&args, 0, &fd) || !arg_bytes(&args, 1, &request) || !arg_int32(&args, 2, &atomic))
		return NULL;
	failure = transact(fd, request, atomic, &replies);
	result = failure ? int_value(env, failure) : copied_bytes(env, replies.data, replies.length);
	free(replies.data);
	return result;
}

struct work {
	struct promised promised;
	int fd;
	bool atomic;
	int failure;
	struct bytes request;
	struct replies replies;
	uint8_t bytes[];
};

static void work_execute(napi_env env, void *data)
{
	struct work *work = data;

	(void)env;
	work->failure = transact(work->fd, work->request, work->atomic, &work->replies);
}

static void work_complete(napi_env env, napi_status status, void *data)
{
	struct work *work = data;
	int failure = status == napi_ok ? work->failure : -ECANCELED;

	napi_resolve_deferred(env, work->promised.deferred, failure ? int_value(env, failure) : copied_bytes(env, work->replies.data, work->replies.length));
	napi_delete_async_work(env, work->promised.handle);
	free(work->replies.data);
	free(work);
}

/* The same on a thread of the pool: what removes waits for the kernel's readers, 15 to 30 ms. -> Promise of the same */
static napi_value js_netlink_transact_async(napi_env env, napi_callback_info info)
{
	struct args args;
	int32_t fd, atomic;
	struct bytes request;
	struct work *work;
	napi_value promise;

	if (!args_take(env, info, &args, 3) || !arg_int32(&args, 0, &fd) || !arg_bytes(&args, 1, &request) || !arg_int32(&args, 2, &atomic))
		return NULL;
	work = calloc(1, sizeof *work + request.length);
	if (!work)
		return int_value(env, -ENOMEM);
	if (request.length)
		memcpy(work->bytes, request.data, request.length);
	work->request = (struct bytes){ .data = work->bytes, .length = request.length };
	work->fd = fd;
	work->atomic = atomic;
	promise = queued(env, "netlink", work_execute, work_complete, work, &work->promised);
	if (!promise) {
		free(work);
		return int_value(env, -ENOMEM);
	}
	return promise;
}

static int connect_unix_datagram(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(path);
	int fd;

	if (length >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		int failure = -errno;

		close(fd);
		return failure;
	}
	return fd;
}

/* unix(7): (path) -> fd of a SOCK_DGRAM that is connected to it and does not block */
static napi_value js_connect_unix_datagram(napi_env env, napi_callback_info info)
{
	struct args args;
	struct path path;

	if (!args_take(env, info, &args, 1) || !arg_path(&args, 0, &path))
		return NULL;
	return int_value(env, connect_unix_datagram(path.bytes));
}

/* send(2): (fd, bytes) -> how many */
static napi_value js_send_datagram(napi_env env, napi_callback_info info)
{
	struct args args;
	int32_t fd;
	struct bytes bytes;

	if (!args_take(env, info, &args, 2) || !arg_int32(&args, 0, &fd) || !arg_bytes(&args, 1, &bytes))
		return NULL;
	return int_value(env, outcome(send(fd, bytes.data, bytes.length, MSG_NOSIGNAL)));
}

const struct function network_functions[] = {
	{ "newNetworkNamespace", js_new_network_namespace },
	{ "newNetworkNamespaceAsync", js_new_network_namespace_async },
	{ "ownNetworkNamespace", js_own_network_namespace },
	{ "setNetworkNamespace", js_setns },
	{ "netlinkSocket", js_netlink_socket },
	{ "netlinkTransact", js_netlink_transact },
	{ "netlinkTransactAsync", js_netlink_transact_async },
	{ "connectUnixDatagram", js_connect_unix_datagram },
	{ "sendDatagram", js_send_datagram },
	{ 0 },
};
