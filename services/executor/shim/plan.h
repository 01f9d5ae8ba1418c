/* The plan in memory and those who obey it. A plan is never copied: strings point into it. Functions return 0 or -errno unless they say otherwise. */
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#define PLAN_MAGIC 0x4e4c5042u
#define PLAN_LIMIT (4u << 20) /* Linux takes 2 MiB of arguments and environment */
#define PLAN_STEPS_LIMIT 4096u

struct cursor { const uint8_t *at, *end; };
struct bytes { const uint8_t *at; uint32_t length; };
struct strings { uint32_t count; struct cursor from; };

/* CLOCK_MONOTONIC in ns, 0: not come to. Of the steps: when each was done. */
struct step_times {
	uint64_t begun, cloned, joined, executed; /* time_steps, clone3(2), the child in its cgroups, execve(2) */
	uint64_t done[PLAN_STEPS_LIMIT];
};

struct capability_sets { uint64_t effective, permitted, inheritable; };

/* From `seccomp` on, until `exec` puts it in force, when nothing else is left to do: it may forbid whatever the command itself does not need. */
struct filter {
	struct bytes program; /* empty: none */
	uint32_t flags, step;
	bool keeps_admin; /* CAP_SYS_ADMIN, which it needs without no_new_privs, is held beyond what `capabilities` leaves */
	struct capability_sets left;
	uint32_t capabilities_step;
};

/* What the steps share. One for the parent's and exit steps, the child's copy comes with the fork. */
struct context {
	int root_fd;      /* O_PATH of the container's root; after pivot_root of "/" */
	int null_fd;      /* O_PATH of the host's /dev/null, verified, opened before pivot_root */
	int proc_fd;      /* a procfs of our own, mounted nowhere */
	int status_fd;    /* to the shim: failures, the pty's master */
	int task_pidfd;   /* exec plans: the container's init; else the pid namespace that is held for the child, -1: none */
	int pidns_fd;     /* the shim's own pid namespace, to go back to after the clone; -1: never left */
	int userns_fd;    /* the user namespace to enter; -1: none, or entered */
	int stage_fd;     /* where trees are prepared until then */
	int *trees;       /* detached mounts, by number */
	uint32_t tree_count, tree_limit;
	int slave_fd;     /* pty slave that becomes the child's stdio */
	int console_fd;   /* listens for a runtime's console, then that console's master */
	const char *console_path;
	pid_t adopted;    /* the process that a runtime left behind */
	uint16_t rows, columns;
	bool pivoted;
	uint32_t uid;
	uint32_t oom_kills;
	uint32_t step;    /* under way */
	struct filter filter;
	struct last_words *last_words; /* shared with the child */
	struct step_times *times; /* shared with the child; NULL: nobody asked */
	char home[256];
};

bool take_u8(struct cursor *from, uint8_t *to);
bool take_u16(struct cursor *from, uint16_t *to);
bool take_u32(struct cursor *from, uint32_t *to);
bool take_u64(struct cursor *from, uint64_t *to);
bool take_flag(struct cursor *from, uint32_t *to);
bool take_string(struct cursor *from, const char **to);
bool take_bytes(struct cursor *from, struct bytes *to);
bool take_strings(struct cursor *from, struct strings *to);

#include "plan_ops.h"

struct plan {
	struct plan_settings settings;
	struct cursor steps;
	uint32_t count;
};

/* NULL after the last one */
const char *next_string(struct strings *from);

/* Checks every step before anything is done. On failure *step is the step that was refused, UINT32_MAX the head. */
int decode_plan(const uint8_t *at, size_t length, struct plan *plan, uint32_t *step);
/* Does the steps of one actor in order until one fails, whose number is put in *step. keep_going: exit steps are all tried. */
int perform_steps(const struct plan *plan, enum actor actor, struct context *at, uint32_t *step, bool keep_going);

uint64_t monotonic_ns(void);
void forget_times(struct context *at);
bool has_steps(const struct plan *plan, enum actor actor);

/* A list of texts as execve(2) wants it, `extra` places at its end. On the heap; NULL: none left. */
char **string_vector(struct strings from, size_t extra);
/* Signals as a new program expects them. */
void reset_signals(void);

/* openat2(2) below the root, symlinks resolved in there. A descriptor, close-on-exec, or -errno. */
int open_in_root(const struct context *at, const char *path, int flags);
/* -EXDEV: it leads out of the directory, or is absolute. */
int open_beneath(int directory, const char *path, int flags);
/* The directory that holds `path`'s last component, made with its own parents when missing; *name points into path. */
int open_parent_in_root(const struct context *at, const char *path, const char **name);
int make_directories_in_root(const struct context *at, const char *path, mode_t mode, uint32_t uid, uint32_t gid);
/* An empty file with its parents; there already: left. An O_PATH descriptor. */
int make_file_in_root(const struct context *at, const char *path);
/* Files made from now on, and an overlay's own work, are this one's, by the host's ids; no right is lost. */
int act_as(uint32_t uid, uint32_t gid);
/* A procfs nobody else sees (hardening class D): the container's own /proc may be anything. */
int own_proc(struct context *at);
/* A namespace by its path on the host, checked to be one. A descriptor, close-on-exec, or -errno. */
int open_namespace(const char *path);
/* The host's /dev/null, checked to be character device 1:3. */
int open_host_null(int flags);

/* Adds to `kills` what a memory.events or memory.oom_control says. */
int count_oom_kills(const char *path, uint32_t *kills);
void close_held(int *fd);
#define autoclose __attribute__((cleanup(close_held)))
