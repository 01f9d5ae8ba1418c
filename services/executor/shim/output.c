/* What a process writes, to its log and its readers; what its clients write, to it. */
#define _GNU_SOURCE
#include "shim.h"

bool wants_output(const struct process *process, int which, int64_t now)
{
	if (process->out[which] < 0 || (process->state != RUNNING && process->state != EXITED))
		return false;
	for (int i = 0; i < ticket_count && now < process->gate_until; i++)
		if (tickets[i].process == process && tickets[i].gates)
			return false;
	for (int i = 0; i < connection_count; i++)
		if (connections[i].kind == STREAM && connections[i].process == process && (connections[i].streams & (which ? STREAM_ERR : STREAM_OUT))
		    && !has_room(&connections[i], CHUNK_BYTES + 8))
			return false;
	return true;
}

void close_output(struct process *process, int which)
{
	close_held(&process->out[which]);
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
		close_held(&process->in);
}
