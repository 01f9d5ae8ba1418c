/* The shim's life: a socket, the container's process, a loop until the executor has taken note of its end. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include "shim.h"

struct plan_settings *settings;

int open_task_directory(void)
{
	return open(settings->task_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

uint64_t realtime_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

int64_t monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* By the directory's descriptor: the whole path may be longer than sun_path. */
static int listen_in_task_directory(const struct plan_settings *of)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "shim.sock" };
	autoclose int directory = open(of->task_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener < 0 || fchdir(directory) < 0)
		return -errno;
	unlink("shim.sock");
	umask(0177);
	int bound = bind(listener, (struct sockaddr *)&address, sizeof address);
	umask(0022);
	if (bound < 0 || chown("shim.sock", 0, of->socket_group) < 0 || chmod("shim.sock", of->socket_mode) < 0 || listen(listener, 128) < 0 || chdir("/") < 0)
		return -errno;
	return listener;
}

enum source { LISTENER, STRANGERS, OOM, STATUS, PIDFD, OUTPUT, INPUT, CONNECTION };
struct watched { struct pollfd *fds; struct { uint8_t source, which; uint16_t index; } *what; int count; };

static void watch(struct watched *on, int fd, short events, enum source source, int index, int which)
{
	if (fd < 0)
		return;
	on->fds[on->count] = (struct pollfd){ .fd = fd, .events = events };
	on->what[on->count].source = source;
	on->what[on->count].which = which;
	on->what[on->count++].index = index;
}

/* What to wait for follows from the state alone, anew each time: nothing can be left armed that nobody wants. */
static int choose(struct watched *on, int listener)
{
	int64_t now = monotonic_ms();
	int64_t until = oom_look_at() ? oom_look_at() : INT64_MAX;
	on->count = 0;
	watch(on, listener, POLLIN, LISTENER, 0, 0);
	watch(on, strangers_fd, POLLIN, STRANGERS, 0, 0);
	if (!oom_look_at())
		watch(on, oom_fd, oom_events, OOM, 0, 0);
	for (int i = 0; i < process_count; i++) {
		struct process *process = &processes[i];
		if (process->state == UNUSED)
			continue;
		bool terminal = process->plan.settings.terminal, pending = process->pending_start < process->pending_end;
		watch(on, process->status_fd, POLLIN, STATUS, i, 0);
		watch(on, process->pidfd, POLLIN, PIDFD, i, 0);
		if (now < process->gate_until && process->gate_until < until)
			until = process->gate_until;
		for (int which = 0; which < 2; which++) {
			bool wanted = wants_output(process, which, now);
			if (process->state == EXITED && process->out[which] >= 0) {
				if (!wanted)
					process->linger_until = now + LINGER_MS; /* held back by a reader, not by who keeps the pipe open */
				else if (now >= process->linger_until) {
					close_output(process, which);
					continue;
				}
				if (process->linger_until < until)
					until = process->linger_until;
			}
			/* a terminal that nobody has open says POLLHUP for ever: look again in 20 ms */
			if (terminal && process->state == RUNNING && now < process->linger_until) {
				if (process->linger_until < until)
					until = process->linger_until;
				continue;
			}
			if (wanted || (terminal && which == 0 && pending))
				watch(on, process->out[which], (wanted ? POLLIN : 0) | (terminal && pending ? POLLOUT : 0), OUTPUT, i, which);
		}
		if (pending && !terminal)
			watch(on, process->in, POLLOUT, INPUT, i, 0);
	}
	for (int i = 0; i < connection_count; i++) {
		struct connection *connection = &connections[i];
		if (connection->kind == FREE)
			continue;
		if (connection->kind == FRESH && now >= connection->fresh_until && !unread_bytes(connection)) { /* we may have been stopped ourselves */
			drop(connection);
			continue;
		}
		if (connection->kind == FRESH && connection->fresh_until < until)
			until = connection->fresh_until;
		bool reads = connection->kind != STREAM || takes_input(connection);
		if (connection->gone && !reads)
			continue; /* its hang-up would be told for ever */
		watch(on, connection->fd, (reads ? POLLIN : 0) | (connection->used ? POLLOUT : 0), CONNECTION, i, 0);
	}
	return until == INT64_MAX ? -1 : until <= now ? 0 : (int)(until - now);
}

static void serve(const struct watched *on, int i, int listener)
{
	short events = on->fds[i].revents;
	struct process *process = &processes[on->what[i].index < PROCESSES ? on->what[i].index : 0];
	struct connection *connection = &connections[on->what[i].index];
	int which = on->what[i].which;
	switch ((enum source)on->what[i].source) {
	case LISTENER:
		accept_connection(listener);
		return;
	case STRANGERS:
		reap_strangers();
		return;
	case OOM:
		take_oom_sign();
		return;
	case STATUS:
		if (process->status_fd == on->fds[i].fd)
			read_status(process);
		return;
	case PIDFD:
		if (process->pidfd == on->fds[i].fd) {
			if (process->status_fd >= 0)
				read_status(process); /* what it said before its end counts first */
			if (process->pidfd == on->fds[i].fd) /* it was the forerunner otherwise */
				reap(process);
		}
		return;
	case OUTPUT:
		if (process->out[which] != on->fds[i].fd)
			return;
		if (events & POLLOUT)
			write_input(process);
		if ((events & (POLLIN | POLLHUP | POLLERR)) && wants_output(process, which, monotonic_ms()))
			read_output(process, which);
		return;
	case INPUT:
		if (process->in == on->fds[i].fd)
			write_input(process);
		return;
	case CONNECTION:
		if (connection->kind == FREE || connection->fd != on->fds[i].fd)
			return;
		if (events & POLLOUT)
			flush_connection(connection);
		if (connection->kind == STREAM && (events & (POLLHUP | POLLERR)) && !(events & POLLIN)) {
			lose_reader(connection);
			return;
		}
		if (connection->kind == STREAM && (events & POLLIN) && takes_input(connection)) /* another's may have come first */
			read_input(connection);
		else if (connection->kind != FREE && connection->kind != STREAM && (events & (POLLIN | POLLHUP | POLLERR)))
			read_frame(connection);
		return;
	}
}

static bool has_stream(const struct process *process)
{
	for (int i = 0; i < connection_count; i++)
		if (connections[i].kind == STREAM && connections[i].process == process)
			return true;
	return false;
}

/*
 * Ends streams whose process is done, forgets execs the executor has taken note of. True: the container's own is done and noted, and nobody reads, or may yet
 * come to read, what an exec that ended before it wrote.
 */
static bool settle(void)
{
	bool is_over = false, is_owed = false;
	for (int i = 0; i < connection_count; i++)
		if (connections[i].kind == STREAM && is_drained(connections[i].process) && !connections[i].used)
			end_stream(&connections[i]);
	for (int i = 0; i < process_count; i++) {
		struct process *process = &processes[i];
		reap_forerunner(process);
		if (process->state != EXITED && process->state != FAILED)
			continue;
		if (!is_drained(process) || has_stream(process))
			is_owed = true;
		else if (process->acked && i == 0)
			is_over = true;
		else if (process->acked)
			forget(process);
	}
	return is_over && !is_owed;
}

int run_shim(void *memory, size_t bytes, int ready_fd)
{
	enum { MOST = 3 + PROCESSES * 5 + CONNECTIONS };
	static struct pollfd fds[MOST];
	static __typeof__(*((struct watched *)0)->what) what[MOST];
	struct watched on = { fds, what, 0 };
	struct plan plan;
	uint32_t step;
	int32_t reply;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	prctl(PR_SET_NAME, "berth-shim", 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	int listener = decode_plan(memory, bytes, &plan, &step);
	/* a step that is not understood is reported on the socket, by its number; a head that is not, to the zygote */
	if (listener == 0 || step != STEP_PLAN)
		listener = listen_in_task_directory(&plan.settings);
	if (listener >= 0)
		name_in_command_line(plan.settings.task_directory);
	reply = listener < 0 ? listener : getpid();
	if (write(ready_fd, &reply, sizeof reply) < 0 || listener < 0)
		return 1;
	close(ready_fd);
	struct strings cgroups = plan.settings.shim_cgroup_paths;
	for (const char *cgroup; (cgroup = next_string(&cgroups));) {
		char path[4096];
		snprintf(path, sizeof path, "%s/cgroup.procs", cgroup);
		autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd >= 0 && write(fd, "0", 1) < 0)
			continue; /* it stays where it is */
	}
	launch("", memory, bytes);
	while (!settle()) {
		look_for_oom();
		int timeout = choose(&on, listener), news = tell_log_news();
		if (news >= 0 && (timeout < 0 || news < timeout))
			timeout = news;
		if (poll(on.fds, on.count, timeout) <= 0)
			continue;
		for (int i = 0; i < on.count; i++)
			if (on.fds[i].revents)
				serve(&on, i, listener);
	}
	autoclose int directory = open_task_directory();
	unlinkat(directory, "shim.sock", 0);
	return 0;
}
