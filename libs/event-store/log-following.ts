import { isAggregate, matches } from './aggregate-subject.js';
import type { Commit } from './event.js';
import type { Following } from './event-store.js';
import { FollowProgress } from './follow-progress.js';

/** One who follows the log: given every commit in order, it passes on those that match. Its `position` moves with the others too. */
export class LogFollowing implements Following {
  private readonly progress: FollowProgress;
  private stopped = false;

  constructor(
    private readonly filters: readonly string[],
    after: number,
    private readonly onCommit: (commit: Commit) => void,
    private readonly onEnd: () => void,
    /** Somebody waits for this position. */
    private readonly hurry: (position: number) => void = () => undefined,
  ) {
    this.progress = new FollowProgress(after);
  }

  get position(): number {
    return this.progress.position;
  }

  /** Whether it has ended, whatever for. */
  get isOver(): boolean {
    return this.stopped;
  }

  get ended(): Promise<unknown> {
    return this.progress.ended;
  }

  /** A commit that was given before changes nothing. `commit` is asked for only where somebody wants it. */
  give(position: number, subject: string, commit: () => Commit): void {
    if (this.stopped || position <= this.position) return;
    try {
      if (this.filters.some((filter) => matches(filter, subject)) && isAggregate(subject)) this.onCommit(commit());
    } catch (error) {
      // A fold that cannot go on must not look as if it did.
      this.end(error);
      return;
    }
    this.progress.advance(position);
  }

  waitFor(position: number, mostMs?: number): Promise<void> {
    if (position > this.position) this.hurry(position);
    return this.progress.reached(position, mostMs);
  }

  async stop(): Promise<void> {
    this.end(undefined);
  }

  /** `error`: absent when it was asked for. */
  end(error: unknown): void {
    if (this.stopped) return;
    this.stopped = true;
    this.progress.end(error);
    this.onEnd();
  }
}
