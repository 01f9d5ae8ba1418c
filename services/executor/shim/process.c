/* The processes of the container: their table, and the end of each. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "shim.h"
#include "status.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

struct process processes[PROCESSES];
int process_count = 1;

struct process *find_process(const char *id)
{
	for (struct process *process = processes; process < processes + process_count; process++)
		if (process->state != UNUSED && !strcmp(process->id, id))
			return process;
	return NULL;
}

bool is_drained(const struct process *process)
{
	return (process->state == EXITED || process->state == FAILED) && process->out[0] < 0 && process->out[1] < 0;
}

static void take_last_words(struct process *process)
{
	struct last_words *words = process->at.last_words;
	if (!words)
		return;
	process->executing = words->executing;
	if (words->failed && !process->failed) {
		process->failed = true;
		process->failed_step = words->step;
		process->failed_errno = words->error;
	}
	munmap(words, sizeof *words);
	process->at.last_words = NULL;
}

void forget(struct process *process)
{
	for (int i = 0; i < connection_count; i++)
		if (connections[i].kind == STREAM && connections[i].process == process)
			drop(&connections[i]);
	forget_tickets(process);
	if (process->memory)
		munmap(process->memory, process->memory_bytes);
	if (process->pending)
		munmap(process->pending, CHUNK_BYTES);
	close_held(&process->in);
	close_held(&process->out[0]);
	close_held(&process->out[1]);
	close_held(&process->status_fd);
	close_held(&process->pidfd);
	forget_times(&process->at);
	take_last_words(process);
	reap_forerunner(process);
	close_held(&process->forerunner);
	close_held(&process->at.console_fd);
	*process = (struct process){ 0 };
	while (process_count > 1 && processes[process_count - 1].state == UNUSED)
		process_count--;
}

struct process *free_place(const char *id)
{
	if (!*id)
		return &processes[0];
	for (int i = 1; i < process_count; i++)
		if (processes[i].state == UNUSED)
			return &processes[i];
	if (process_count < PROCESSES)
		return &processes[process_count++];
	for (int i = 1; i < process_count; i++) /* nobody came for its streams */
		if (is_drained(&processes[i]) && processes[i].acked) {
			forget(&processes[i]);
			return free_place(id);
		}
	return NULL;
}

/*
 * Written under another name and renamed, so that a reader sees all of it or nothing. Not synced: a power cut takes the run root and the container alike, and
 * where the run root is on a disk it would cost every end a commit of the journal.
 */
static void write_record(const char *name, const char *text)
{
	char temporary[32];
	snprintf(temporary, sizeof temporary, "%s.tmp", name);
	autoclose int directory = open_task_directory();
	autoclose int fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd >= 0 && write(fd, text, strlen(text)) >= 0)
		renameat(directory, temporary, directory, name);
}

/* Exit steps take back what parent steps made: cgroups, what they know of oom. */
void end(struct process *process)
{
	char text[96];
	uint32_t step;
	bool was_started = process->state == RUNNING;
	process->exited_ns = realtime_ns();
	process->at.oom_kills = 0;
	if (!*process->id)
		leave_oom();
	perform_steps(&process->plan, ACTOR_EXIT, &process->at, &step, true);
	process->oom = process->at.oom_kills;
	process->linger_until = monotonic_ms() + LINGER_MS;
	close_held(&process->in);
	process->pending_start = process->pending_end = 0;
	process->state = was_started && !process->failed ? EXITED : FAILED;
	if (process->state == FAILED) {
		close_held(&process->out[0]);
		close_held(&process->out[1]);
	}
	for (int which = 0; which < 2; which++) /* what it still wrote is in the log before anyone hears of the end */
		for (int reads = 0; reads < 64 && wants_output(process, which, monotonic_ms()); reads++) {
			int before = process->out[which];
			uint64_t available = 0;
			if (syscall(SYS_ioctl, before, 0x541B /* FIONREAD */, &available) < 0)
				break;
			read_output(process, which);
			if (!available)
				break;
		}
	if (!*process->id && process->state == EXITED) {
		snprintf(text, sizeof text, "%u %u %u %llu\n", process->exit_code, process->exit_signal, process->oom, (unsigned long long)process->exited_ns);
		write_record("exit", text);
	} else if (!*process->id) {
		snprintf(text, sizeof text, "%u %u %llu\n", process->failed_step, process->failed_errno, (unsigned long long)process->exited_ns);
		write_record("failed", text);
	}
	announce(process);
}

void fail(struct process *process, uint32_t step, int error)
{
	process->failed = true;
	process->failed_step = step;
	process->failed_errno = -error;
	if (process->pid <= 0)
		end(process);
	else
		syscall(SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0); /* `reap` ends it */
}

void is_running(struct process *process)
{
	process->state = RUNNING;
	process->started_ns = realtime_ns();
	process->gate_until = monotonic_ms() + GATE_MS;
	if (process->at.times)
		process->at.times->executed = monotonic_ns();
	announce(process);
}

void read_status(struct process *process)
{
	struct status status;
	int descriptor, result;
	while ((result = receive_status(process->status_fd, &status, &descriptor)) == 1) {
		if (status.kind == STATUS_CONSOLE && descriptor >= 0 && process->plan.settings.terminal && process->out[0] < 0) {
			fcntl(descriptor, F_SETFL, O_NONBLOCK);
			process->out[0] = descriptor;
			descriptor = -1;
		}
		if (status.kind == STATUS_BORN && descriptor >= 0) {
			process->forerunner = process->pidfd;
			process->pidfd = descriptor;
			process->pid = status.step;
			descriptor = -1;
		}
		if (descriptor >= 0)
			close(descriptor);
	}
	if (result == -EAGAIN)
		return;
	close_held(&process->status_fd); /* closed by exec, or by death */
	take_last_words(process);
	if (process->executing && !process->failed) {
		if (!process->hands_over)
			is_running(process);
	} else if (!process->failed) {
		fail(process, STEP_CLONE, -ECHILD); /* killed on its way */
	}
}

void reap_forerunner(struct process *process)
{
	siginfo_t info = { 0 };
	if (process->forerunner > 0 && syscall(SYS_waitid, P_PIDFD, process->forerunner, &info, WEXITED | WNOHANG, NULL) == 0 && info.si_pid)
		close_held(&process->forerunner);
}

void reap(struct process *process)
{
	siginfo_t info = { 0 };
	if (syscall(SYS_waitid, P_PIDFD, process->pidfd, &info, WEXITED | WNOHANG, NULL) < 0 || info.si_pid == 0)
		return;
	close_held(&process->pidfd);
	close_held(&process->status_fd);
	take_last_words(process);
	if (process->hands_over) {
		hand_over(process, info.si_code == CLD_EXITED && info.si_status == 0);
		reap_strangers();
		return;
	}
	if (process->state == STARTING && process->executing && !process->failed)
		is_running(process); /* over before its forerunner was, whose end of the status socket told nothing yet */
	process->exit_signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
	process->exit_code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	for (int i = 1; !*process->id && i < process_count; i++)
		processes[i].at.task_pidfd = -1;
	end(process);
	reap_strangers();
}
