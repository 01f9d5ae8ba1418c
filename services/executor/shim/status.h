/* What passes between the shim and its child before exec: SOCK_SEQPACKET messages, and one page. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

enum status_kind { STATUS_GO = 1, STATUS_CONSOLE, STATUS_BORN };
struct status { uint32_t kind, step, error; };

/* How it went, in memory that both share: a child under a filter of the user's may not be left any call to tell it by. The socket's end says that there is no more to come. */
struct last_words {
	uint32_t executing; /* all is done but execve(2) */
	uint32_t failed, step, error;
};

int send_status(int socket, struct status status);
/* The pty's master goes along as SCM_RIGHTS. */
int send_console(int socket, int master);
/* `pidfd` of the process that goes on in the sender's place, along as SCM_RIGHTS. */
int send_born(int socket, pid_t pid, int pidfd);
/* 1: a message; 0: the other side is gone; -EAGAIN: nothing yet. *descriptor is -1 or a new descriptor, close-on-exec. */
int receive_status(int socket, struct status *status, int *descriptor);
