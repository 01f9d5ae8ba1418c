/* A process that an OCI runtime starts, and hands over to the shim. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "shim.h"

int strangers_fd = -1;

void become_subreaper(void)
{
	sigset_t child;
	if (strangers_fd >= 0)
		return;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL); /* `exec` and `run_command` give the mask back */
	strangers_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

void hand_over(struct process *process, bool succeeded)
{
	uint32_t step = STEP_RUNTIME;
	process->pid = 0;
	int result = succeeded && !process->failed ? perform_steps(&process->plan, ACTOR_HANDOVER, &process->at, &step, false) : -EIO;
	if (!result) {
		process->pidfd = syscall(SYS_pidfd_open, process->at.adopted, 0);
		result = process->pidfd < 0 ? -errno : 0;
	}
	process->hands_over = false;
	if (process->at.console_path)
		unlink(process->at.console_path);
	if (result < 0) {
		if (process->at.adopted > 0)
			kill(process->at.adopted, SIGKILL);
		if (!process->failed)
			fail(process, step, result);
		else
			end(process);
		return;
	}
	process->pid = process->at.adopted;
	if (process->plan.settings.terminal) {
		process->out[0] = process->at.console_fd;
		process->at.console_fd = -1;
		fcntl(process->out[0], F_SETFL, O_NONBLOCK);
	}
	is_running(process);
}

void reap_strangers(void)
{
	siginfo_t info;
	struct signalfd_siginfo signal;
	while (strangers_fd >= 0 && read(strangers_fd, &signal, sizeof signal) > 0)
		;
	for (struct process *process = processes; process < processes + process_count; process++)
		if (process->hands_over && process->state == STARTING)
			return; /* it may be the one that is about to be adopted */
	while (info.si_pid = 0, waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid) {
		for (struct process *process = processes; process < processes + process_count; process++)
			if (process->pidfd >= 0 && process->state != UNUSED && process->pid == info.si_pid)
				return;
		waitpid(info.si_pid, NULL, WNOHANG);
	}
}
