import type { JsMsg } from '@nats-io/jetstream';
import { ReadCommit } from './commit-format.js';
import { LogFollowing } from './log-following.js';
import { LogReader, type LogStream } from './log-reader.js';

/**
 * The end of the log, read once for all who follow it. A consumer for each of a dozen folds made the server send every commit a dozen times, and cost it
 * and us more than all appends together. Whoever begins further back catches up with a reader of his own, which is given up where the tail has come.
 */
export class LogTail {
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

  reconnected(): void {
    this.tail.reconnected();
    for (const reader of this.catchingUp.values()) reader.reconnected();
  }

  /** Ends all that follow. */
  close(): void {
    this.tail.stop();
    this.endAll(undefined);
  }

  private endAll(error: unknown): void {
    for (const following of [...this.members, ...this.catchingUp.keys()]) following.end(error);
  }
}

/** What is in a message is made out once, and only when somebody asks. */
function give(message: JsMsg, followings: Iterable<LogFollowing>): void {
  let read: ReadCommit | undefined;
  const commit = (): ReadCommit => (read ??= new ReadCommit(message.subject, message.seq, (name) => message.headers?.get(name), message.string()));
  for (const following of followings) following.give(message.seq, message.subject, commit);
}
