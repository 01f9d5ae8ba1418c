/* The running shim: processes, connections, the log, and the loop that holds them. One thread, fixed tables, pages used only when needed. */
#pragma once
#include "plan.h"

#define PROCESSES 257 /* the container's and 256 execs */
#define CONNECTIONS 512
#define RESERVED 16 /* of them, for root's control connections */
#define LEFT_BEHIND 64 /* of them, of clients that have gone and whose input is not taken yet */
#define RING_BYTES (64u << 10)
#define CHUNK_BYTES (16u << 10)
#define TICKETS (CONNECTIONS - RESERVED) /* of all processes: more readers than that find no place */
#define ID_BYTES 80
#define SMALL_FRAME 512u
#define GATE_MS 5000
#define TICKET_MS 5000
#define LINGER_MS 2000
#define FRESH_MS 5000

/* Numbers that FAILED names instead of a step. */
#define STEP_PLAN 0xffffffffu    /* the plan's head was refused */
#define STEP_CLONE 0xfffffffeu   /* pipes, clone3 */
#define STEP_CGROUPS 0xfffffffdu /* joining settings.cgroupPaths */
#define STEP_RUNTIME 0xfffffffcu /* the runtime's own failure, told in its log */
#define STEP_PLACES 0xfffffffbu  /* as many execs as there may be */
#define STEP_STREAMS 0xfffffffau /* no place for who is to read it */

enum frame_type {
	FRAME_HELLO = 1, FRAME_SIGNAL, FRAME_RESIZE, FRAME_EXEC, FRAME_TICKET, FRAME_ACK_EXIT, FRAME_PING = 8, FRAME_SIGNAL_EXEC, FRAME_WATCH_OOM = 11,
	FRAME_ATTACH = 10,
	FRAME_STARTED = 101, FRAME_FAILED, FRAME_EXITED, FRAME_PONG, FRAME_TIMES, FRAME_LOG_NEWS, FRAME_OOM_KILLS,
	FRAME_ATTACHED = 110, FRAME_REFUSED,
};
enum { STREAM_IN = 1, STREAM_OUT = 2, STREAM_ERR = 4 };

/* "": a free place */
struct ticket { char text[33]; uint8_t streams; bool gates; struct process *process; int64_t until; /* monotonic ms; one that gates: the gate's end */ };

struct process {
	enum { UNUSED, STARTING, RUNNING, EXITED, FAILED } state;
	char id[ID_BYTES]; /* "": the container's own */
	struct plan plan;
	void *memory; /* the plan's bytes */
	size_t memory_bytes;
	struct context at;
	pid_t pid;
	int pidfd, status_fd;
	int forerunner; /* pidfd of who made the process and ends, until it is reaped (do_join_task) */
	int in;     /* pipe to stdin; a terminal's is its master, held in out[0] */
	int out[2]; /* stdout or the pty's master, stderr */
	bool executing, failed, acked;
	bool hands_over; /* the child is a runtime's command, and not yet what it leaves behind */
	uint32_t failed_step, failed_errno;
	uint32_t exit_code, exit_signal, oom;
	uint64_t started_ns, exited_ns; /* CLOCK_REALTIME */
	int64_t gate_until, linger_until; /* monotonic ms */
	uint8_t *pending; /* input on its way to the process, CHUNK_BYTES, mapped at first use */
	uint32_t pending_start, pending_end;
	bool close_in; /* once pending is written */
};

struct connection {
	enum { FREE, FRESH, CONTROL, STREAM } kind;
	int fd;
	struct process *process; /* STREAM */
	uint8_t streams;
	bool in_closed;
	bool gone; /* nobody reads it any more; what was sent may still be read */
	int64_t fresh_until; /* monotonic ms */
	uint8_t head[4], small[SMALL_FRAME];
	uint8_t *frame;
	uint32_t got, length; /* of head and frame together; of the frame */
	uint8_t *ring; /* RING_BYTES, mapped at first use */
	uint32_t start, used;
};

extern struct process processes[PROCESSES];
extern struct connection connections[CONNECTIONS];
extern struct ticket tickets[TICKETS];
/* How far the tables are in use: nobody looks beyond. */
extern int process_count, connection_count, ticket_count;
extern struct plan_settings *settings; /* the container's own */
/* Not kept open: a child is born with all that the shim has open. */
int open_task_directory(void);

uint64_t realtime_ns(void);
int64_t monotonic_ms(void);

/* process.c */
struct process *find_process(const char *id);
/* NULL: no place left. The container's own ("") has always one. */
struct process *free_place(const char *id);
void is_running(struct process *process);
/* A step that failed before the process ran: it is killed where it lives, and ended. */
void fail(struct process *process, uint32_t step, int error);
void end(struct process *process);
void read_status(struct process *process);
void reap(struct process *process);
void reap_forerunner(struct process *process);
bool is_drained(const struct process *process);
void forget(struct process *process);

/* birth.c */
/* Takes over `memory`. NULL: no place left. A plan that cannot be carried out becomes a failed process. */
struct process *launch(const char *id, void *memory, size_t bytes);

/* hand_over.c: plans with a runtime */
/* Readable when some child has ended. */
extern int strangers_fd;
/* What a runtime's commands leave behind becomes our child, and is told by SIGCHLD where nothing else tells of it. */
void become_subreaper(void);
/* The runtime's command is done: what it left behind has become our child, and is what this process is from now on. */
void hand_over(struct process *process, bool succeeded);
/* Children that a runtime left behind besides what was adopted: while one is not waited for, the init of its pid namespace cannot end (pid_namespaces(7)). */
void reap_strangers(void);

/* output.c */
bool wants_output(const struct process *process, int which, int64_t now);
void read_output(struct process *process, int which);
void close_output(struct process *process, int which);
void write_input(struct process *process);

/* log.c: Docker's json-file */
void log_open(const char *path, uint64_t max_bytes, uint32_t max_files);
void log_write(int which, const uint8_t *at, size_t length);
void log_end(int which);
struct log_news { uint32_t failed_writes, long_lines, rotations; };
/* Since the shim's start. Long: a line, or a piece of one, that has filled the buffer. */
struct log_news log_news(void);

/* stream.c */
bool has_room(const struct connection *connection, uint32_t bytes);
void put(struct connection *connection, const void *at, uint32_t length);
void flush_connection(struct connection *connection);
void drop(struct connection *connection);
/* Drops it so that its client can still read what it was sent: closing with bytes of the client unread would reset the connection (unix(7)). */
void end_stream(struct connection *connection);
void deliver(struct process *process, int which, const uint8_t *at, uint32_t length);
/* Input is taken only when the last of it has gone to the process: the client's own socket is the buffer. */
bool takes_input(const struct connection *connection);
void read_input(struct connection *connection);
/* Its client has left: what it sent, and that this has ended, goes to the process all the same, while not too many wait for that. */
void lose_reader(struct connection *connection);
uint32_t unread_bytes(const struct connection *connection);

/* oom.c */
/* Has `oom_events` when the container's cgroup may have lost a process to the OOM killer; -1: nobody wants to know. */
extern int oom_fd;
extern short oom_events;
/* `counter` is v2's memory.events, or v1's memory.oom_control and `control` the file that registers who watches it, else "". What was told before is told again. */
void watch_oom(const char *counter, const char *control);
void leave_oom(void);
void take_oom_sign(void);
/* When to look next, in monotonic ms; no sign is taken before. 0: at the next sign. */
int64_t oom_look_at(void);
void look_for_oom(void);

/* control.c */
void tell_oom_kills(uint32_t kills);
void accept_connection(int listener);
void read_frame(struct connection *connection);
/* Whether one more reader finds a place beside those that are there and those that were given tickets. */
bool has_stream_place(void);
void announce(struct process *process);
/* What the log had trouble with, and that it was rotated, to the executor; at most once a second, since a full disk fails each write. Milliseconds until there is more to tell, -1: nothing. */
int tell_log_news(void);
void forget_tickets(const struct process *process);
void add_ticket(struct process *process, const char *ticket, const char *streams, bool gates);

/* main.c and zygote.c */
int run_shim(void *memory, size_t bytes, int ready_fd);
int run_zygote(void);
/* ps shows whose shim it is, as far as there is room. */
void name_in_command_line(const char *task_directory);
