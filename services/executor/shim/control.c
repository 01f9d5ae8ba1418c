/* Frames: what the executor asks and is told, and the tickets by which streams come in. Little endian: u32 length of the rest, u8 type, payload. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include "shim.h"

struct connection connections[CONNECTIONS];
int connection_count;
struct ticket tickets[TICKETS];
int ticket_count;

static bool is_roots(int fd)
{
	struct ucred peer;
	socklen_t length = sizeof peer;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == 0;
}

/* Whoever fills the places with streams, or with nothing, does not shut out the executor. */
static bool is_reserved(int place)
{
	return place >= CONNECTIONS - RESERVED;
}

void accept_connection(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	int place = 0;
	while (place < connection_count && connections[place].kind != FREE)
		place++;
	if (place == CONNECTIONS || (is_reserved(place) && !is_roots(fd))) {
		close(fd);
		return;
	}
	if (place == connection_count)
		connection_count++;
	connections[place] = (struct connection){ .kind = FRESH, .fd = fd, .fresh_until = monotonic_ms() + FRESH_MS };
}

struct message { uint8_t bytes[256]; uint32_t used; };

static void add(struct message *message, const void *at, uint32_t length)
{
	memcpy(message->bytes + message->used, at, length);
	message->used += length;
}
static void add_u32(struct message *message, uint32_t value) { add(message, &value, 4); }
static void add_u64(struct message *message, uint64_t value) { add(message, &value, 8); }

static struct message begin(uint8_t type)
{
	struct message message = { .used = 4 };
	add(&message, &type, 1);
	return message;
}

static void send_message(struct connection *to, struct message *message)
{
	uint32_t length = message->used - 4;
	memcpy(message->bytes, &length, 4);
	put(to, message->bytes, message->used);
	if (to->kind != FREE)
		flush_connection(to);
}

static struct message about(const struct process *process, uint8_t type)
{
	struct message message = begin(type);
	add_u32(&message, strlen(process->id));
	add(&message, process->id, strlen(process->id));
	return message;
}

/* Before the start or failure that it led to. False: there is nothing to tell. */
static bool tell_times(struct connection *to, const struct process *process)
{
	const struct step_times *times = process->at.times;
	uint32_t steps = process->plan.count * sizeof *times->done;
	if (!times)
		return false;
	struct message message = about(process, FRAME_TIMES);
	add(&message, times, offsetof(struct step_times, done));
	uint32_t length = message.used - 4 + steps;
	memcpy(message.bytes, &length, 4);
	put(to, message.bytes, message.used);
	if (to->kind != FREE)
		put(to, times->done, steps);
	if (to->kind != FREE)
		flush_connection(to);
	return true;
}

static void tell_started(struct connection *to, const struct process *process)
{
	struct message message = about(process, FRAME_STARTED);
	add_u32(&message, process->pid);
	add_u64(&message, process->started_ns);
	send_message(to, &message);
}

static void tell_end(struct connection *to, const struct process *process)
{
	struct message message = about(process, process->state == FAILED ? FRAME_FAILED : FRAME_EXITED);
	if (process->state == FAILED) {
		add_u32(&message, process->failed_step);
		add_u32(&message, process->failed_errno);
	} else {
		add_u32(&message, process->exit_code);
		add_u32(&message, process->exit_signal);
		add_u32(&message, process->oom);
		add_u64(&message, process->exited_ns);
	}
	send_message(to, &message);
}

void announce(struct process *process)
{
	bool told = false;
	tell_log_news();
	for (struct connection *to = connections; to < connections + connection_count; to++)
		if (to->kind == CONTROL)
			told |= tell_times(to, process);
	if (told)
		forget_times(&process->at);
	for (struct connection *to = connections; to < connections + connection_count; to++)
		if (to->kind == CONTROL && process->state == RUNNING)
			tell_started(to, process);
		else if (to->kind == CONTROL)
			tell_end(to, process);
}

int tell_log_news(void)
{
	static struct log_news told;
	static int64_t told_at;
	struct log_news now = log_news();
	int64_t wait = told_at + 1000 - monotonic_ms();
	if (!memcmp(&now, &told, sizeof now))
		return -1;
	if (told_at && wait > 0 && processes[0].state == RUNNING)
		return wait;
	for (struct connection *to = connections; to < connections + connection_count; to++) {
		if (to->kind != CONTROL)
			continue;
		struct message message = about(&processes[0], FRAME_LOG_NEWS);
		add_u32(&message, now.failed_writes - told.failed_writes);
		add_u32(&message, now.long_lines - told.long_lines);
		add_u32(&message, now.rotations - told.rotations);
		send_message(to, &message);
		told = now;
		told_at = monotonic_ms();
		break; /* it is counted once */
	}
	return -1;
}

/* Of all its run so far: whoever knows of some is told of no more than the others. */
void tell_oom_kills(uint32_t kills)
{
	for (struct connection *to = connections; to < connections + connection_count; to++) {
		if (to->kind != CONTROL)
			continue;
		struct message message = about(&processes[0], FRAME_OOM_KILLS);
		add_u32(&message, kills);
		add_u64(&message, realtime_ns());
		send_message(to, &message);
	}
}

static void tell_all(struct connection *to)
{
	for (struct process *process = processes; process < processes + process_count; process++) {
		bool begun = process->state == RUNNING || process->state == EXITED || process->state == FAILED;
		if (to->kind == CONTROL && begun && tell_times(to, process))
			forget_times(&process->at);
		if (to->kind == CONTROL && (process->state == RUNNING || process->state == EXITED))
			tell_started(to, process);
		if (to->kind == CONTROL && (process->state == EXITED || process->state == FAILED))
			tell_end(to, process);
	}
}

/* Nobody came with it in time: its place is free for another. While none needs the place it is as good as before. */
static bool is_over(const struct ticket *ticket)
{
	int64_t until = ticket->gates ? ticket->process->gate_until : ticket->until;
	return until && monotonic_ms() > until;
}

bool has_stream_place(void)
{
	int taken = 0;
	for (int place = 0; place < connection_count; place++)
		taken += connections[place].kind != FREE && !is_reserved(place);
	for (const struct ticket *issued = tickets; issued < tickets + ticket_count; issued++)
		taken += *issued->text && !is_over(issued);
	return taken < CONNECTIONS - RESERVED;
}

static void free_ticket(struct ticket *ticket)
{
	*ticket = (struct ticket){ 0 };
	while (ticket_count > 0 && !*tickets[ticket_count - 1].text)
		ticket_count--;
}

void forget_tickets(const struct process *process)
{
	for (int i = ticket_count - 1; i >= 0; i--)
		if (tickets[i].process == process)
			free_ticket(&tickets[i]);
}

/* Where there is no place for it, whoever comes with it is refused, and so told. */
void add_ticket(struct process *process, const char *ticket, const char *streams, bool gates)
{
	if (strlen(ticket) != 32)
		return;
	for (struct ticket *place = tickets; place < tickets + TICKETS; place++) {
		if (*place->text && !is_over(place))
			continue;
		if (place == tickets + ticket_count)
			ticket_count++;
		place->process = process;
		strcpy(place->text, ticket);
		place->gates = gates;
		place->until = monotonic_ms() + TICKET_MS;
		place->streams = (strchr(streams, 'i') ? STREAM_IN : 0) | (strchr(streams, 'o') ? STREAM_OUT : 0) | (strchr(streams, 'e') ? STREAM_ERR : 0);
		return;
	}
}

/* No early way out: how long it takes says nothing about the ticket. */
static bool same_ticket(const char *a, const char *b)
{
	uint8_t difference = 0;
	for (int i = 0; i < 32; i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

static void attach(struct connection *connection, const char *ticket)
{
	struct message refused = begin(FRAME_REFUSED), attached = begin(FRAME_ATTACHED);
	bool may_stay = !is_reserved(connection - connections);
	for (struct ticket *issued = tickets; may_stay && strlen(ticket) == 32 && issued < tickets + ticket_count; issued++) {
		if (!*issued->text || !same_ticket(issued->text, ticket))
			continue;
		connection->kind = STREAM;
		connection->process = issued->process;
		connection->streams = issued->streams;
		free_ticket(issued);
		send_message(connection, &attached);
		return;
	}
	send_message(connection, &refused);
	drop(connection);
}

static void start_exec(const char *id, struct bytes plan)
{
	static struct process lost;
	lost = (struct process){ .state = FAILED, .failed_step = STEP_PLACES, .failed_errno = EAGAIN };
	if (!*id || strlen(id) >= ID_BYTES || find_process(id) || plan.length > PLAN_LIMIT || !plan.length)
		return;
	strcpy(lost.id, id);
	void *memory = mmap(NULL, plan.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory != MAP_FAILED) {
		memcpy(memory, plan.at, plan.length);
		if (launch(id, memory, plan.length))
			return;
		munmap(memory, plan.length);
	}
	announce(&lost);
}

/* Texts of frames have no final NUL. */
static bool take_text(struct cursor *from, char *to, size_t size)
{
	struct bytes text;
	if (!take_bytes(from, &text) || text.length >= size || memchr(text.at, 0, text.length))
		return false;
	memcpy(to, text.at, text.length);
	to[text.length] = 0;
	return true;
}

static void obey(struct connection *connection, uint8_t type, struct cursor from)
{
	char id[ID_BYTES], ticket[64], streams[8], counter[4096], control[4096];
	uint32_t number;
	uint16_t rows, columns;
	struct bytes plan;
	struct process *process;
	struct message pong = begin(FRAME_PONG);
	switch (type) {
	case FRAME_SIGNAL:
		if (take_u32(&from, &number) && processes[0].pidfd >= 0)
			syscall(SYS_pidfd_send_signal, processes[0].pidfd, number, NULL, 0);
		return;
	case FRAME_SIGNAL_EXEC:
		if (take_text(&from, id, sizeof id) && *id && take_u32(&from, &number) && (process = find_process(id)) && process->pidfd >= 0)
			syscall(SYS_pidfd_send_signal, process->pidfd, number, NULL, 0);
		return;
	case FRAME_RESIZE:
		if (take_text(&from, id, sizeof id) && take_u16(&from, &rows) && take_u16(&from, &columns) && (process = find_process(id)) && process->plan.settings.terminal) {
			struct winsize size = { .ws_row = rows, .ws_col = columns };
			if (process->out[0] >= 0)
				ioctl(process->out[0], TIOCSWINSZ, &size);
		}
		return;
	case FRAME_EXEC:
		if (take_text(&from, id, sizeof id) && take_bytes(&from, &plan))
			start_exec(id, plan);
		return;
	case FRAME_TICKET:
		if (take_text(&from, id, sizeof id) && take_text(&from, ticket, sizeof ticket) && take_text(&from, streams, sizeof streams) && (process = find_process(id)))
			add_ticket(process, ticket, streams, process->state == STARTING); /* who comes before the command is waited for */
		return;
	case FRAME_ACK_EXIT:
		if (take_text(&from, id, sizeof id) && (process = find_process(id)) && (process->state == EXITED || process->state == FAILED))
			process->acked = true;
		return;
	case FRAME_WATCH_OOM:
		if (take_text(&from, counter, sizeof counter) && take_text(&from, control, sizeof control) && processes[0].state == RUNNING)
			watch_oom(counter, control);
		return;
	case FRAME_PING:
		send_message(connection, &pong);
		return;
	}
}

/* The first frame says what the connection is: HELLO of root, or a ticket of anybody who may open the socket. */
static void first_frame(struct connection *connection, uint8_t type, struct cursor from)
{
	char ticket[64];
	if (type == FRAME_HELLO && is_roots(connection->fd)) {
		connection->kind = CONTROL;
		tell_all(connection);
	} else if (type == FRAME_ATTACH && take_text(&from, ticket, sizeof ticket)) {
		attach(connection, ticket);
	} else {
		drop(connection);
	}
}

/* Never reads past the frame: what follows ATTACH is input for the process. */
void read_frame(struct connection *connection)
{
	bool in_head = connection->got < 4;
	uint8_t *to = in_head ? connection->head + connection->got : connection->frame + connection->got - 4;
	ssize_t length = recv(connection->fd, to, in_head ? 4 - connection->got : connection->length - (connection->got - 4), MSG_DONTWAIT);
	if (length <= 0) {
		if (length == 0 || (errno != EAGAIN && errno != EINTR))
			drop(connection);
		return;
	}
	connection->got += length;
	if (in_head && connection->got == 4) {
		memcpy(&connection->length, connection->head, 4);
		connection->frame = connection->small;
		if (connection->length > SMALL_FRAME) {
			void *map = MAP_FAILED; /* only a known root may have us take memory */
			if (connection->kind == CONTROL && connection->length <= PLAN_LIMIT + SMALL_FRAME)
				map = mmap(NULL, connection->length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			connection->frame = map == MAP_FAILED ? NULL : map;
		}
		if (!connection->frame || !connection->length)
			drop(connection);
		return;
	}
	if (in_head || connection->got - 4 < connection->length)
		return;
	uint8_t *frame = connection->frame;
	uint32_t size = connection->length;
	struct cursor payload = { frame + 1, frame + size };
	connection->got = 0;
	connection->frame = NULL;
	if (connection->kind == FRESH)
		first_frame(connection, frame[0], payload);
	else
		obey(connection, frame[0], payload);
	if (size > SMALL_FRAME)
		munmap(frame, size);
}
