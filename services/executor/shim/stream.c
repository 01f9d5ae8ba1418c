/* Bytes between the container and who is attached. Each connection has one bounded ring; a full one holds back the pipe, never the loop. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "shim.h"

static bool map_once(uint8_t **at, size_t bytes)
{
	if (!*at) {
		void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		*at = map == MAP_FAILED ? NULL : map;
	}
	return *at;
}

void drop(struct connection *connection)
{
	if (connection->kind == FREE)
		return;
	close(connection->fd);
	if (connection->ring)
		munmap(connection->ring, RING_BYTES);
	if (connection->frame && connection->frame != connection->small)
		munmap(connection->frame, connection->length);
	*connection = (struct connection){ .fd = -1 };
	while (connection_count > 0 && connections[connection_count - 1].kind == FREE)
		connection_count--;
}

void end_stream(struct connection *connection)
{
	static uint8_t unread[CHUNK_BYTES];
	shutdown(connection->fd, SHUT_RDWR); /* from now on no more comes */
	while (recv(connection->fd, unread, sizeof unread, MSG_DONTWAIT) > 0)
		;
	drop(connection);
}

bool has_room(const struct connection *connection, uint32_t bytes)
{
	return RING_BYTES - connection->used >= bytes;
}

/* The caller has looked for room; a control connection that does not read its few events is given up. */
void put(struct connection *connection, const void *at, uint32_t length)
{
	if (!map_once(&connection->ring, RING_BYTES) || !has_room(connection, length)) {
		drop(connection);
		return;
	}
	uint32_t end = (connection->start + connection->used) % RING_BYTES;
	uint32_t first = length < RING_BYTES - end ? length : RING_BYTES - end;
	memcpy(connection->ring + end, at, first);
	memcpy(connection->ring, (const uint8_t *)at + first, length - first);
	connection->used += length;
}

void flush_connection(struct connection *connection)
{
	while (connection->used) {
		uint32_t part = RING_BYTES - connection->start;
		if (part > connection->used)
			part = connection->used;
		ssize_t sent = send(connection->fd, connection->ring + connection->start, part, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0) {
			if (errno != EAGAIN && errno != EINTR)
				lose_reader(connection);
			return;
		}
		connection->start = (connection->start + sent) % RING_BYTES;
		connection->used -= sent;
	}
	connection->start = 0;
	if (connection->ring && connection->kind == CONTROL) { /* idle for long: give the pages back */
		munmap(connection->ring, RING_BYTES);
		connection->ring = NULL;
	}
}

/* Docker's frames: stream, three zeros, length in network order. A terminal's output goes as it is. */
void deliver(struct process *process, int which, const uint8_t *at, uint32_t length)
{
	uint8_t head[8] = { which + 1, 0, 0, 0, length >> 24, length >> 16, length >> 8, length };
	for (struct connection *connection = connections; connection < connections + connection_count; connection++) {
		if (connection->kind != STREAM || connection->gone || connection->process != process || !(connection->streams & (which ? STREAM_ERR : STREAM_OUT)))
			continue;
		if (!process->plan.settings.terminal)
			put(connection, head, sizeof head);
		if (connection->kind == STREAM)
			put(connection, at, length);
		if (connection->kind == STREAM)
			flush_connection(connection);
	}
}

bool takes_input(const struct connection *connection)
{
	const struct process *process = connection->process;
	return (connection->streams & STREAM_IN) && !connection->in_closed && process->state == RUNNING && process->pending_start == process->pending_end;
}

uint32_t unread_bytes(const struct connection *connection)
{
	int bytes = 0;
	return ioctl(connection->fd, FIONREAD, &bytes) == 0 ? bytes : 0;
}

static void end_input(struct connection *connection)
{
	struct process *process = connection->process;
	connection->in_closed = true;
	if (process->plan.settings.stdin_once && !process->plan.settings.terminal)
		process->close_in = true;
	if (connection->gone)
		drop(connection);
	write_input(process);
}

void read_input(struct connection *connection)
{
	struct process *process = connection->process;
	if (!map_once(&process->pending, CHUNK_BYTES)) {
		drop(connection);
		return;
	}
	ssize_t length = recv(connection->fd, process->pending, CHUNK_BYTES, MSG_DONTWAIT);
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	process->pending_start = 0;
	process->pending_end = length > 0 ? length : 0;
	if (length <= 0) /* an error is its end, too: it left without reading all (ECONNRESET) */
		end_input(connection);
	else
		write_input(process);
}

/* Of a program that reads nothing they would become ever more. */
static bool are_too_many_gone(void)
{
	int gone = 0;
	for (int i = 0; i < connection_count; i++)
		gone += connections[i].kind == STREAM && connections[i].gone;
	return gone > LEFT_BEHIND;
}

void lose_reader(struct connection *connection)
{
	bool sends = connection->kind == STREAM && (connection->streams & STREAM_IN) && !connection->in_closed
		&& (connection->process->state == STARTING || connection->process->state == RUNNING);
	connection->gone = true;
	connection->start = connection->used = 0;
	if (sends && connection->process->state == RUNNING && !unread_bytes(connection))
		end_input(connection);
	else if (!sends || are_too_many_gone())
		drop(connection);
}
