import type { JsMsg } from '@nats-io/jetstream';
import { ReadCommit } from './commit-format.js';
import type { LogFollowing } from './log-following.js';

/** What is in a message is made out once, and only when somebody asks. */
export function give(message: JsMsg, followings: Iterable<LogFollowing>): void {
  let read: ReadCommit | undefined;
  const commit = (): ReadCommit => (read ??= new ReadCommit(message.subject, message.seq, (name) => message.headers?.get(name), message.string()));
  for (const following of followings) following.give(message.seq, message.subject, commit);
}
