import { give } from './give-commit.js';
import type { LogEnd } from './log-end.js';
import type { LogFollowing } from './log-following.js';
import { LogReader, type LogStream } from './log-reader.js';

/**
 * The end of the log, each commit as it comes. A consumer for each of a dozen folds made the server send every commit a dozen times, and cost it
 * and us more than all appends together. Whoever begins further back catches up with a reader of his own, which is given up where the tail has come.
 */
export class LogTail implements LogEnd {
  private readonly members = new Set<LogFollowing>();
  private readonly catchingUp = new Map<LogFollowing, LogReader>();
  private readonly tail: LogReader;

  /** `position`: the log's last one, or any before it. */
  constructor(
    private readonly log: LogStream,
    position: number,
  ) {
    this.tail = new LogReader(log, position, undefined, (message) => give(message, this.members), (error) => this.endAll(error));
  }

  join(following: LogFollowing): void {
    if (following.position >= this.tail.position) {
      this.members.add(following);
      return;
    }
    const reader = new LogReader(
      this.log,
      following.position,
      undefined,
      (message) => {
        give(message, [following]);
        // Nothing lies between: what the tail reads next comes after what both have seen.
        if (this.catchingUp.has(following) && following.position >= this.tail.position) {
          this.leave(following);
          this.members.add(following);
        }
      },
      (error) => following.end(error),
    );
    this.catchingUp.set(following, reader);
  }

  leave(following: LogFollowing): void {
    this.members.delete(following);
    this.catchingUp.get(following)?.stop();
    this.catchingUp.delete(following);
  }

  /** What is there comes as fast as it can. */
  hurry(): void {}

  reconnected(): void {
    this.tail.reconnected();
    for (const reader of this.catchingUp.values()) reader.reconnected();
  }

  close(): void {
    this.tail.stop();
    this.endAll(undefined);
  }

  private endAll(error: unknown): void {
    for (const following of [...this.members, ...this.catchingUp.keys()]) following.end(error);
  }
}
