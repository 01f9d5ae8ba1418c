import { encodeCommit, ReadCommit } from '#libs/event-store/commit-format.js';
import { matches } from '#libs/event-store/aggregate-subject.js';
import { type Commit, type DomainEvent, noHead } from '#libs/event-store/event.js';
import type { EventStore, Following } from '#libs/event-store/event-store.js';
import { FollowProgress } from '#libs/event-store/follow-progress.js';

interface Follower {
  readonly filters: readonly string[];
  readonly onCommit: (commit: Commit) => void;
  readonly progress: FollowProgress;
}

/** A log that keeps nothing: it gives each commit to who follows now, so that all memory that grows is the followers'. */
export class UnkeptLog implements EventStore {
  private readonly followers = new Set<Follower>();
  private last = 0;

  give(subject: string, event: DomainEvent): void {
    const position = ++this.last;
    const cause = { correlationId: `c${position}`, causationId: `c${position}`, actor: 'test' };
    const { headers, body } = encodeCommit({ subject, id: `id${position}`, time: new Date(0), source: 'test', cause, expected: noHead, events: [event] });
    const values = new Map(headers);
    for (const { filters, onCommit, progress } of this.followers) {
      // Each follower reads a commit of its own, as over the network.
      if (filters.some((filter) => matches(filter, subject))) onCommit(new ReadCommit(subject, position, (name) => values.get(name), body));
      progress.advance(position);
    }
  }

  async follow(filters: readonly string[], after: number, onCommit: (commit: Commit) => void): Promise<Following> {
    const follower: Follower = { filters, onCommit, progress: new FollowProgress(after) };
    this.followers.add(follower);
    const { progress } = follower;
    return {
      get position() {
        return progress.position;
      },
      ended: progress.ended,
      waitFor: (position) => progress.reached(position),
      stop: async () => {
        this.followers.delete(follower);
        progress.end();
      },
    };
  }

  async lastPosition(): Promise<number> {
    return this.last;
  }

  async commitAt(): Promise<undefined> {
    return undefined;
  }

  async read(): Promise<Commit[]> {
    return [];
  }

  append(subject: string): Promise<never> {
    return Promise.reject(new Error(`nothing is to be appended to ${subject}: the history is whole`));
  }

  async replay(): Promise<number> {
    return this.last;
  }

  async close(): Promise<void> {
    for (const { progress } of this.followers) progress.end();
  }
}
