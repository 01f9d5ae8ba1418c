/* PID 1 for containers that ask for one: `berth-init -- command args`. Starts the command, passes signals on, reaps, exits as the command did. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A file without "#!" is the shell's, as execvp(3) of POSIX has it and that of this C library has not. */
static void execute_script(char **command)
{
	size_t count = 0;
	while (command[count])
		count++;
	char *args[count + 2];
	args[0] = "sh";
	memcpy(args + 1, command, (count + 1) * sizeof *command);
	execv("/bin/sh", args);
}

static int start(char **command, const sigset_t *before, pid_t *child)
{
	*child = fork();
	if (*child)
		return *child < 0 ? -errno : 0;
	setpgid(0, 0);
	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(0, getpid()); /* without a terminal: nothing */
	signal(SIGTTOU, SIG_DFL);
	sigprocmask(SIG_SETMASK, before, NULL);
	execvp(command[0], command);
	int failure = errno;
	if (failure == ENOEXEC && strchr(command[0], '/'))
		execute_script(command);
	dprintf(2, "[FATAL berth-init (%d)] exec %s failed: %s\n", getpid(), command[0], strerror(failure));
	_exit(failure == ENOENT ? 127 : failure == EACCES ? 126 : 1);
}

/* -1: the command still runs; else its exit code */
static int reap_all(pid_t command)
{
	int status, code = -1;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		if (pid == command)
			code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return code;
}

int main(int count, char **args)
{
	sigset_t all, before;
	pid_t command;
	int first = 1;
	while (first < count && args[first][0] == '-') /* "-s" and the like of other inits are not for us */
		if (!strcmp(args[first++], "--"))
			break;
	if (first >= count)
		return 2;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	if (start(args + first, &before, &command) < 0)
		return 126;
	for (;;) {
		siginfo_t info;
		int number = sigwaitinfo(&all, &info);
		if (number == SIGCHLD) {
			int code = reap_all(command);
			if (code >= 0)
				return code;
		} else if (number > 0 && number != SIGTTIN && number != SIGTTOU) {
			kill(command, number);
		}
	}
}
