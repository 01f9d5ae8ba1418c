/* One process of the container: its launch, its output, its end. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "shim.h"
#include "status.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

struct process processes[PROCESSES];
int strangers_fd = -1;

static void close_fd(int *fd)
{
	close_held(fd);
	*fd = -1;
}

struct process *find_process(const char *id)
{
	for (struct process *process = processes; process < processes + PROCESSES; process++)
		if (process->state != UNUSED && !strcmp(process->id, id))
			return process;
	return NULL;
}

bool is_drained(const struct process *process)
{
	return (process->state == EXITED || process->state == FAILED) && process->out[0] < 0 && process->out[1] < 0;
}

void forget(struct process *process)
{
	for (int i = 0; i < CONNECTIONS; i++)
		if (connections[i].kind == STREAM && connections[i].process == process)
			drop(&connections[i]);
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
	reap_forerunner(process);
	close_held(&process->forerunner);
	close_held(&process->at.console_fd);
	*process = (struct process){ 0 };
}

static struct process *free_place(const char *id)
{
	if (!*id)
		return &processes[0];
	for (int i = 1; i < PROCESSES; i++)
		if (processes[i].state == UNUSED)
			return &processes[i];
	for (int i = 1; i < PROCESSES; i++) /* nobody came for it */
		if (is_drained(&processes[i])) {
			forget(&processes[i]);
			return &processes[i];
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
static void end(struct process *process)
{
	char text[96];
	uint32_t step;
	bool was_started = process->state == RUNNING;
	process->exited_ns = realtime_ns();
	process->at.oom_kills = 0;
	perform_steps(&process->plan, ACTOR_EXIT, &process->at, &step, true);
	process->oom = process->at.oom_kills;
	process->linger_until = monotonic_ms() + LINGER_MS;
	close_fd(&process->in);
	process->pending_start = process->pending_end = 0;
	process->state = was_started && !process->failed ? EXITED : FAILED;
	if (process->state == FAILED) {
		close_fd(&process->out[0]);
		close_fd(&process->out[1]);
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

static void fail(struct process *process, uint32_t step, int error)
{
	process->failed = true;
	process->failed_step = step;
	process->failed_errno = -error;
	if (process->pid <= 0)
		end(process);
	else
		syscall(SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0); /* `reap` ends it */
}

/*
 * v1: the child, one thread, moves itself by `tasks`. Moving a whole process by cgroup.procs waits in the kernel for every fork and exit on the
 * machine to stand still, 5 to 20 ms (cgroup_threadgroup_rwsem); one thread that moves itself needs no such lock.
 */
static int join_v1_cgroups(struct strings paths)
{
	char path[4096];
	for (const char *cgroup; (cgroup = next_string(&paths));) {
		snprintf(path, sizeof path, "%s/tasks", cgroup);
		autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT && faccessat(AT_FDCWD, cgroup, F_OK, 0) == 0)
			continue; /* the v2 hierarchy: the child was born there */
		if (fd < 0 || write(fd, "0", 1) < 0)
			return -errno;
	}
	return 0;
}

/* v2: the directory that the child is born in (clone3(2), CLONE_INTO_CGROUP), for the same reason. -1: there is none. */
static int open_v2_cgroup(struct strings paths)
{
	char path[4096];
	for (const char *cgroup; (cgroup = next_string(&paths));) {
		snprintf(path, sizeof path, "%s/tasks", cgroup);
		if (faccessat(AT_FDCWD, path, F_OK, 0) < 0)
			return open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return -1;
}

/* The shim's own descriptors are nothing for the child: a container with CAP_SYS_PTRACE can look into it before its exec (CVE-2016-9962). */
static void close_all_but(int one, int other)
{
	int low = one < other ? one : other, high = one < other ? other : one;
	if (low > 3)
		syscall(SYS_close_range, 3, low - 1, 0);
	if (high > low + 1)
		syscall(SYS_close_range, low < 3 ? 3 : low + 1, high - 1, 0);
	syscall(SYS_close_range, high + 1, ~0u, 0);
}

static _Noreturn void child(struct process *process, const int stdio[3], int socket)
{
	struct status status;
	struct context *at = &process->at;
	uint32_t step = 0;
	int descriptor;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	at->status_fd = socket;
	umask(0022);
	for (int fd = 0; fd < 3; fd++)
		if (stdio[fd] >= 0)
			dup2(stdio[fd], fd);
	close_all_but(socket, at->task_pidfd);
	/* The shim's end gone: it died before it could be our parent in the eyes of PR_SET_PDEATHSIG. */
	if (receive_status(socket, &status, &descriptor) != 1 || status.kind != STATUS_GO)
		_exit(255);
	int result = join_v1_cgroups(process->plan.settings.cgroup_paths);
	if (result < 0) {
		send_status(socket, (struct status){ STATUS_FAILED, STEP_CGROUPS, -result });
		_exit(255);
	}
	if (at->times)
		at->times->joined = monotonic_ns();
	at->null_fd = open_host_null(O_PATH);
	result = perform_steps(&process->plan, ACTOR_CHILD, at, &step, false);
	send_status(socket, (struct status){ STATUS_FAILED, step, result < 0 ? -result : ENOEXEC });
	_exit(255);
}

/* ends[fd][0] is the child's, ends[fd][1] ours; -1 where the child keeps the host's /dev/null. */
static int make_stdio(const struct plan_settings *of, int ends[3][2])
{
	int pair[2];
	for (int fd = 0; fd < 3; fd++) {
		if (of->terminal || (fd == 0 && !of->open_stdin))
			continue;
		if (pipe2(pair, O_CLOEXEC) < 0)
			return -errno;
		ends[fd][0] = pair[fd == 0 ? 0 : 1];
		ends[fd][1] = pair[fd == 0 ? 1 : 0];
		fcntl(ends[fd][1], F_SETFL, O_NONBLOCK);
	}
	return 0;
}

/* What a runtime's commands leave behind becomes our child, and is told by SIGCHLD where nothing else tells of it. */
static void become_subreaper(void)
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

static void start(struct process *process)
{
	const struct plan_settings *of = &process->plan.settings;
	int ends[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } }, socket[2] = { -1, -1 };
	uint32_t step = 0;
	int result = perform_steps(&process->plan, ACTOR_PARENT, &process->at, &step, false);
	if (result < 0) {
		if (process->at.pidns_fd >= 0)
			setns(process->at.pidns_fd, CLONE_NEWPID);
		close_fd(&process->at.pidns_fd);
		fail(process, step, result);
		return;
	}
	result = make_stdio(of, ends);
	if (!result && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socket) < 0)
		result = -errno;
	if (!result) {
		autoclose int cgroup = open_v2_cgroup(of->cgroup_paths);
		struct clone_args args = {
			.flags = of->namespaces | CLONE_PIDFD | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0), .cgroup = cgroup >= 0 ? cgroup : 0, .pidfd = (uint64_t)(uintptr_t)&process->pidfd, .exit_signal = SIGCHLD,
		};
		process->pid = syscall(SYS_clone3, &args, sizeof args);
		if (process->pid == 0)
			child(process, (int[]){ ends[0][0], ends[1][0], ends[2][0] }, socket[1]);
		result = process->pid < 0 ? -errno : 0;
		if (process->at.times)
			process->at.times->cloned = monotonic_ns();
	}
	if (process->at.pidns_fd >= 0)
		setns(process->at.pidns_fd, CLONE_NEWPID); /* back: the next child is not of that namespace */
	close_fd(&process->at.pidns_fd);
	for (int fd = 0; fd < 3; fd++)
		close_held(&ends[fd][0]);
	close_held(&socket[1]);
	process->in = ends[0][1];
	process->out[0] = ends[1][1];
	process->out[1] = ends[2][1];
	process->status_fd = socket[0];
	if (result < 0) {
		process->pid = 0;
		close_fd(&process->status_fd);
		fail(process, STEP_CLONE, result);
		return;
	}
	fcntl(process->status_fd, F_SETFL, O_NONBLOCK);
	send_status(process->status_fd, (struct status){ STATUS_GO, 0, 0 });
}

struct process *launch(const char *id, void *memory, size_t bytes)
{
	struct process *process = free_place(id);
	uint32_t step;
	if (!process)
		return NULL;
	*process = (struct process){
		.state = STARTING, .memory = memory, .memory_bytes = bytes, .pidfd = -1, .forerunner = -1, .status_fd = -1, .in = -1, .out = { -1, -1 },
		.at = { .root_fd = -1, .null_fd = -1, .proc_fd = -1, .status_fd = -1, .task_pidfd = -1, .pidns_fd = -1, .slave_fd = -1, .console_fd = -1 },
	};
	strcpy(process->id, id);
	int result = decode_plan(memory, bytes, &process->plan, &step);
	if (!*id) {
		settings = &process->plan.settings;
		log_open(settings->log_path, settings->log_max_bytes, settings->log_max_files);
	}
	if (result < 0) {
		process->plan.count = 0; /* none of it is done, exit steps neither */
		fail(process, step, result);
		return process;
	}
	process->hands_over = has_steps(&process->plan, ACTOR_HANDOVER);
	if (process->hands_over)
		become_subreaper();
	if (*id && processes[0].state == RUNNING)
		process->at.task_pidfd = processes[0].pidfd;
	process->at.rows = process->plan.settings.rows;
	process->at.columns = process->plan.settings.columns;
	struct strings tickets = process->plan.settings.tickets;
	for (const char *ticket; (ticket = next_string(&tickets));) {
		char text[33];
		if (strlen(ticket) < 33 || ticket[32] != ':')
			continue;
		memcpy(text, ticket, 32);
		text[32] = 0;
		add_ticket(process, text, ticket + 33, true);
	}
	start(process);
	return process;
}

static void is_running(struct process *process)
{
	process->state = RUNNING;
	process->started_ns = realtime_ns();
	process->gate_until = monotonic_ms() + GATE_MS;
	if (process->at.times)
		process->at.times->executed = monotonic_ns();
	announce(process);
}

/* The runtime's command is done: what it left behind has become our child (PR_SET_CHILD_SUBREAPER), and is what this process is from now on. */
static void hand_over(struct process *process, bool succeeded)
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
	for (struct process *process = processes; process < processes + PROCESSES; process++)
		if (process->hands_over && process->state == STARTING)
			return; /* it may be the one that is about to be adopted */
	while (info.si_pid = 0, waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid) {
		for (struct process *process = processes; process < processes + PROCESSES; process++)
			if (process->pidfd >= 0 && process->state != UNUSED && process->pid == info.si_pid)
				return;
		waitpid(info.si_pid, NULL, WNOHANG);
	}
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
		if (status.kind == STATUS_EXECUTING)
			process->executing = true;
		if (status.kind == STATUS_FAILED && !process->failed) {
			process->failed = true;
			process->failed_step = status.step;
			process->failed_errno = status.error;
		}
	}
	if (result == -EAGAIN)
		return;
	close_fd(&process->status_fd); /* closed by exec, or by death */
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
		close_fd(&process->forerunner);
}

void reap(struct process *process)
{
	siginfo_t info = { 0 };
	if (syscall(SYS_waitid, P_PIDFD, process->pidfd, &info, WEXITED | WNOHANG, NULL) < 0 || info.si_pid == 0)
		return;
	close_fd(&process->pidfd);
	if (process->status_fd >= 0)
		close_fd(&process->status_fd);
	if (process->hands_over) {
		hand_over(process, info.si_code == CLD_EXITED && info.si_status == 0);
		reap_strangers();
		return;
	}
	if (process->state == STARTING && process->executing && !process->failed)
		is_running(process); /* over before its forerunner was, whose end of the status socket told nothing yet */
	process->exit_signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
	process->exit_code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	for (int i = 1; !*process->id && i < PROCESSES; i++)
		processes[i].at.task_pidfd = -1;
	end(process);
	reap_strangers();
}

bool wants_output(const struct process *process, int which, int64_t now)
{
	if (process->out[which] < 0 || (process->state != RUNNING && process->state != EXITED))
		return false;
	for (int i = 0; i < TICKETS && now < process->gate_until; i++)
		if (process->tickets[i].gates && *process->tickets[i].text)
			return false;
	for (int i = 0; i < CONNECTIONS; i++)
		if (connections[i].kind == STREAM && connections[i].process == process && (connections[i].streams & (which ? STREAM_ERR : STREAM_OUT))
		    && !has_room(&connections[i], CHUNK_BYTES + 8))
			return false;
	return true;
}

void close_output(struct process *process, int which)
{
	close_fd(&process->out[which]);
	if (!*process->id)
		log_end(which);
}

void read_output(struct process *process, int which)
{
	static uint8_t chunk[CHUNK_BYTES];
	ssize_t length = read(process->out[which], chunk, sizeof chunk);
	if (length > 0) {
		if (!*process->id)
			log_write(which, chunk, length);
		deliver(process, which, chunk, length);
	} else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
		/* a pty's master says EIO while nobody has the slave: between two that open it, too, so it counts only after the end */
		if (length < 0 && errno == EIO && process->state == RUNNING)
			process->linger_until = monotonic_ms() + 20;
		else
			close_output(process, which);
	}
}

void write_input(struct process *process)
{
	bool terminal = process->plan.settings.terminal;
	int fd = terminal ? process->out[0] : process->in;
	while (process->pending_start < process->pending_end) {
		ssize_t written = fd < 0 ? -1 : write(fd, process->pending + process->pending_start, process->pending_end - process->pending_start);
		if (written < 0 && fd >= 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (written < 0) { /* it has closed its stdin: what comes is thrown away */
			if (!terminal)
				process->close_in = true;
			break;
		}
		process->pending_start += written;
	}
	process->pending_start = process->pending_end = 0;
	if (process->close_in && !terminal)
		close_fd(&process->in);
}
