/* The birth of a process of the container: its cgroups, its stdio, its clone, up to the plan's first step. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "shim.h"
#include "status.h"

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

static _Noreturn void give_up(const struct context *at, uint32_t step, int error)
{
	at->last_words->step = step;
	at->last_words->error = error;
	at->last_words->failed = true;
	_exit(255);
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
	if (result < 0)
		give_up(at, STEP_CGROUPS, -result);
	if (at->times)
		at->times->joined = monotonic_ns();
	at->null_fd = open_host_null(O_PATH);
	result = perform_steps(&process->plan, ACTOR_CHILD, at, &step, false);
	give_up(at, step, result < 0 ? -result : ENOEXEC);
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

static int share_last_words(struct process *process)
{
	void *map = mmap(NULL, sizeof *process->at.last_words, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return -errno;
	process->at.last_words = map;
	return 0;
}

/* What the parent's steps took for the child. An exec's init is not its own to let go. */
static void let_go(struct process *process)
{
	if (process->at.pidns_fd >= 0)
		setns(process->at.pidns_fd, CLONE_NEWPID); /* back: the next child is not of that namespace */
	close_held(&process->at.pidns_fd);
	if (!*process->id)
		close_held(&process->at.task_pidfd);
}

static void start(struct process *process)
{
	const struct plan_settings *of = &process->plan.settings;
	int ends[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } }, socket[2] = { -1, -1 };
	uint32_t step = 0;
	int result = perform_steps(&process->plan, ACTOR_PARENT, &process->at, &step, false);
	if (result < 0) {
		let_go(process);
		fail(process, step, result);
		return;
	}
	result = make_stdio(of, ends);
	if (!result)
		result = share_last_words(process);
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
	let_go(process);
	for (int fd = 0; fd < 3; fd++)
		close_held(&ends[fd][0]);
	close_held(&socket[1]);
	process->in = ends[0][1];
	process->out[0] = ends[1][1];
	process->out[1] = ends[2][1];
	process->status_fd = socket[0];
	if (result < 0) {
		process->pid = 0;
		process->pidfd = -1; /* the kernel wrote the number before it failed, and has taken the descriptor back */
		close_held(&process->status_fd);
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
		.at = { .root_fd = -1, .null_fd = -1, .proc_fd = -1, .status_fd = -1, .task_pidfd = -1, .pidns_fd = -1, .userns_fd = -1, .stage_fd = -1, .slave_fd = -1, .console_fd = -1 },
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
	/* Nobody would read what it prints, and its exit code would say that all is well. */
	if (*id && process->plan.settings.tickets.count && !has_stream_place()) {
		process->plan.count = 0;
		fail(process, STEP_STREAMS, -EMFILE);
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
