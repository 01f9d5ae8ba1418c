/* The container's cgroup while it runs: when the OOM killer has taken a process of it, the executor is told. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include "shim.h"

/* The first look after a sign. v1 gives it before it kills, and v2 for other reasons, too: looks come at double the distance until something is found. */
#define FIRST_LOOK_MS 50
/* From one sign that is taken to the next: a worker that dies again and again, or a cgroup at its memory.high, is no reason for more. */
#define REST_MS 5000

int oom_fd = -1;
short oom_events;
static char counter_path[4096];
static uint32_t told;
static int64_t sign_at, look_at;

/* cgroup-v1/memory.rst, "OOM Control" */
static int register_eventfd(const char *counter, const char *control)
{
	char text[32];
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	autoclose int of = open(counter, O_RDONLY | O_CLOEXEC), at = open(control, O_WRONLY | O_CLOEXEC);
	int length = snprintf(text, sizeof text, "%d %d", fd, of);
	if (fd >= 0 && of >= 0 && at >= 0 && write(at, text, length) == length)
		return fd;
	close_held(&fd);
	return -1;
}

void watch_oom(const char *counter, const char *control)
{
	leave_oom();
	/* v2: the file itself tells of a change since it was read (cgroup-v2.rst), and needs no inotify instance, of which all of root's processes together may have 128 */
	oom_fd = *control ? register_eventfd(counter, control) : open(counter, O_RDONLY | O_CLOEXEC);
	oom_events = *control ? POLLIN : POLLPRI;
	if (oom_fd < 0)
		return; /* its end tells of it */
	strcpy(counter_path, counter);
	told = 0;
	look_at = monotonic_ms(); /* once, for what has been before */
	sign_at = look_at - REST_MS;
}

void leave_oom(void)
{
	close_held(&oom_fd);
	look_at = 0;
}

/* Both say so until they are read: an eventfd its count, the file from its beginning. */
void take_oom_sign(void)
{
	char text[4096];
	if (oom_events == POLLPRI)
		lseek(oom_fd, 0, SEEK_SET);
	if (read(oom_fd, text, sizeof text) < 0)
		leave_oom();
	sign_at = monotonic_ms();
	look_at = oom_fd < 0 ? 0 : sign_at + FIRST_LOOK_MS;
}

int64_t oom_look_at(void)
{
	return look_at;
}

void look_for_oom(void)
{
	int64_t now = monotonic_ms(), rest_until = sign_at + REST_MS;
	uint32_t kills = 0;
	if (!look_at || now < look_at)
		return;
	bool found = count_oom_kills(counter_path, &kills) == 0 && kills > told;
	if (found)
		tell_oom_kills(told = kills);
	int64_t doubled = sign_at + 2 * (now - sign_at < FIRST_LOOK_MS ? FIRST_LOOK_MS : now - sign_at);
	look_at = now >= rest_until ? 0 : found || doubled > rest_until ? rest_until : doubled;
}
