#define _GNU_SOURCE
#include <string.h>
#include <sys/socket.h>
#include "plan.h"
#include "status.h"

static int send_with(int socket, struct status status, int descriptor)
{
	union { struct cmsghdr head; char space[CMSG_SPACE(sizeof(int))]; } control;
	struct iovec part = { &status, sizeof status };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (descriptor >= 0) {
		memset(&control, 0, sizeof control);
		message.msg_control = &control;
		message.msg_controllen = sizeof control;
		control.head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(&control.head), &descriptor, sizeof descriptor);
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int send_status(int socket, struct status status) { return send_with(socket, status, -1); }
int send_console(int socket, int master) { return send_with(socket, (struct status){ STATUS_CONSOLE, 0, 0 }, master); }
int send_born(int socket, pid_t pid, int pidfd) { return send_with(socket, (struct status){ STATUS_BORN, pid, 0 }, pidfd); }

int receive_status(int socket, struct status *status, int *descriptor)
{
	union { struct cmsghdr head; char space[CMSG_SPACE(sizeof(int))]; } control;
	struct iovec part = { status, sizeof *status };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	*descriptor = -1;
	ssize_t length;
	do
		length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == ECONNRESET ? 0 : -errno;
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
		memcpy(descriptor, CMSG_DATA(head), sizeof *descriptor);
	return length == sizeof *status;
}
