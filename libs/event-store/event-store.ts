import type { AggregateSubject, Cause, Commit, DomainEvent, Head } from './event.js';

export interface AppendOptions {
  /** The decision's identity; a second append with it within the duplicate window (2 minutes) is a no-op. Absent: a new one. */
  readonly id?: string;
  /** When it was decided. Absent: now. */
  readonly time?: Date;
  /** The commit's ce-source. Absent: the store's own. */
  readonly source?: string;
}

export interface Following {
  /** The last position of the stream that was looked at. */
  readonly position: number;
  /** Resolves once `onCommit` has been given everything up to `position`. Rejects (unavailable) when the following ends first, and after `mostMs`, where it is given: a position may be one that never comes. */
  waitFor(position: number, mostMs?: number): Promise<void>;
  /** Resolves when the following is over: with nothing when it was stopped, else with what ended it, such as an error that `onCommit` threw. */
  readonly ended: Promise<unknown>;
  /** No `onCommit` is called after this resolves. A second call changes nothing. */
  stop(): Promise<void>;
}

/** The log. Filters are NATS subjects with wildcards, such as `berth.event.container.>`. Whoever connects the store closes it. */
export interface EventStore {
  /**
   * Appends what one decision yielded to one aggregate, all or nothing. `expected`: the last commit the decider saw, `noHead` for none.
   * Rejects with `Stale` when somebody was faster: load, decide, append again. Rejects with `unavailable` when the log did not answer: it is
   * then unknown whether it was stored. Safe to repeat: the same id makes a second append a no-op that resolves to the first one's position.
   */
  append<E extends DomainEvent>(
    subject: AggregateSubject,
    expected: Head,
    events: readonly [E, ...E[]],
    cause: Cause,
    options?: AppendOptions,
  ): Promise<Commit<E>>;

  /** All commits of one subject, oldest first; none when it does not exist. */
  read(subject: AggregateSubject): Promise<Commit[]>;

  /** The commit at one position, undefined where the log has none. */
  commitAt(position: number): Promise<Commit | undefined>;

  /** Gives what is there now of positions above `after`, up to `to` where it is given, in order. Resolves to the stream's last position at the call. */
  replay(filters: readonly string[], after: number, onCommit: (commit: Commit) => void, to?: number): Promise<number>;

  /**
   * Replays, then goes on with what is appended: no gap, nothing twice, over reconnects too. Resolves once caught up with what was there at the
   * call. The caller stops it.
   */
  follow(filters: readonly string[], after: number, onCommit: (commit: Commit) => void): Promise<Following>;

  /** The stream's last position, 0 when empty. */
  lastPosition(): Promise<number>;

  /** Ends all followings. A second call changes nothing. */
  close(): Promise<void>;
}
