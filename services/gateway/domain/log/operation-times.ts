import type { LogEntry } from '#contracts/gateway/log-replies.js';

/** What one request led to seldom goes on for long: of a longer history the oldest operations are not remembered, and what they lead to begins anew. */
const REMEMBERED = 16_384;

/** How long each operation of a history has taken by each of its events: the time since the first event that has the same cause. That one has none. Give it all entries, in the log's order. */
export class OperationTimes {
  /** When each cause's first event was, ms since 1970. */
  private readonly began = new Map<string, number>();

  withDuration(entry: LogEntry): LogEntry {
    const time = Date.parse(entry.time);
    const began = this.began.get(entry.cause);
    // A clock that was set back is no reason for less than nothing.
    if (began !== undefined) return { ...entry, durationMs: Math.max(0, time - began) };
    this.began.set(entry.cause, time);
    const [oldest] = this.began.keys();
    if (oldest !== undefined && this.began.size > REMEMBERED) this.began.delete(oldest);
    return entry;
  }
}
