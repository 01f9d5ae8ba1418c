import { randomUUID } from 'node:crypto';
import { Stale } from '#libs/errors/errors.js';
import { failpoint } from '#libs/failpoint/failpoint.js';
import { matches } from '../aggregate-subject.js';
import { ReadCommit, encodeCommit } from '../commit-format.js';
import type { AggregateSubject, Cause, Commit, DomainEvent, Head } from '../event.js';
import type { AppendOptions, EventStore, Following } from '../event-store.js';
import { FollowProgress } from '../follow-progress.js';

/** The log's twin for tests: the same promises, kept by one array. Ids are remembered for ever. */
export class MemoryEventStore implements EventStore {
  private readonly commits: Commit[] = [];
  private readonly heads = new Map<AggregateSubject, number>();
  private readonly byId = new Map<string, Commit>();
  private readonly followers = new Set<MemoryFollowing>();

  constructor(private readonly source = 'memory') {}

  async append<E extends DomainEvent>(
    subject: AggregateSubject,
    expected: Head,
    events: readonly [E, ...E[]],
    cause: Cause,
    options: AppendOptions = {},
  ): Promise<Commit<E>> {
    await failpoint('append.before');
    const { id = randomUUID(), time = new Date(), source = this.source } = options;
    const first = this.byId.get(id);
    if (first !== undefined) return first as Commit<E>; // the same id is the same decision, so the same events
    if ((this.heads.get(subject) ?? 0) !== expected.sequence) throw new Stale(subject);
    const { headers, body } = encodeCommit({ subject, id, time, source, cause, expected, events });
    const values = new Map(headers);
    const position = this.commits.length + 1;
    const commit = new ReadCommit(subject, position, (name) => values.get(name), body);
    this.commits.push(commit);
    this.heads.set(subject, position);
    this.byId.set(id, commit);
    for (const follower of this.followers) queueMicrotask(() => follower.pump(this.commits));
    await failpoint('append.after');
    return commit as Commit as Commit<E>; // what was just encoded from E
  }

  async read(subject: AggregateSubject): Promise<Commit[]> {
    return this.commits.filter((commit) => commit.subject === subject);
  }

  async commitAt(position: number): Promise<Commit | undefined> {
    return this.commits[position - 1];
  }

  async replay(filters: readonly string[], after: number, onCommit: (commit: Commit) => void, to = Infinity): Promise<number> {
    const last = this.commits.length;
    for (const commit of this.commits.slice(after, Math.min(last, to))) if (filters.some((filter) => matches(filter, commit.subject))) onCommit(commit);
    return last;
  }

  async follow(filters: readonly string[], after: number, onCommit: (commit: Commit) => void): Promise<Following> {
    const following = new MemoryFollowing(filters, after, onCommit, (ended) => this.followers.delete(ended));
    following.pump(this.commits);
    this.followers.add(following);
    return following;
  }

  async lastPosition(): Promise<number> {
    return this.commits.length;
  }

  async close(): Promise<void> {
    for (const follower of this.followers) await follower.stop();
  }
}

class MemoryFollowing implements Following {
  private readonly progress: FollowProgress;
  private stopped = false;

  constructor(
    private readonly filters: readonly string[],
    after: number,
    private readonly onCommit: (commit: Commit) => void,
    private readonly onStop: (following: MemoryFollowing) => void,
  ) {
    this.progress = new FollowProgress(after);
  }

  get position(): number {
    return this.progress.position;
  }

  get ended(): Promise<unknown> {
    return this.progress.ended;
  }

  pump(commits: readonly Commit[]): void {
    while (!this.stopped && this.position < commits.length) {
      const commit = commits[this.position]!;
      try {
        if (this.filters.some((filter) => matches(filter, commit.subject))) this.onCommit(commit);
      } catch (error) {
        this.stopped = true;
        this.onStop(this);
        this.progress.end(error);
        return;
      }
      this.progress.advance(commit.position);
    }
  }

  waitFor(position: number): Promise<void> {
    return this.progress.reached(position);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.onStop(this);
    this.progress.end();
  }
}
