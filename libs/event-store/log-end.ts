import type { LogFollowing } from './log-following.js';

/** The end of the log, read once for all who follow it. */
export interface LogEnd {
  /** `last`: the log's last position at some time before: it will be given at once. */
  join(following: LogFollowing, last: number): void;
  leave(following: LogFollowing): void;
  /** Somebody waits for what is at this position. */
  hurry(position: number): void;
  /** The server may be another one now. */
  reconnected(): void;
  /** Ends all that follow. */
  close(): void;
}
