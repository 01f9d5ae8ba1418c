import { randomUUID } from 'node:crypto';
import { Stale } from '#libs/errors/errors.js';
import { failpoint } from '#libs/failpoint/failpoint.js';
import { matches } from '../aggregate-subject.js';
import { ReadCommit, encodeCommit } from '../commit-format.js';
import type { AggregateSubject, Cause, Commit, DomainEvent, Head } from '../event.js';
import type { AppendOptions, EventStore, Following } from '../event-store.js';
import { LogFollowing } from '../log-following.js';

/** The log's twin for tests: the same promises, kept by one array. Ids are remembered for ever. */
export class MemoryEventStore implements EventStore {
  private readonly commits: Commit[] = [];
  private readonly heads = new Map<AggregateSubject, number>();
  private readonly byId = new Map<string, Commit>();
  private readonly followers = new Set<LogFollowing>();

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
    for (const follower of this.followers) queueMicrotask(() => this.pump(follower));
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
    const following: LogFollowing = new LogFollowing(filters, after, onCommit, () => this.followers.delete(following));
    this.pump(following);
    this.followers.add(following);
    return following;
  }

  async lastPosition(): Promise<number> {
    return this.commits.length;
  }

  async close(): Promise<void> {
    for (const follower of this.followers) await follower.stop();
  }

  /** All that it does not have yet. A commit that is appended meanwhile has a turn of its own. */
  private pump(following: LogFollowing): void {
    for (const commit of this.commits.slice(following.position)) following.give(commit.position, commit.subject, () => commit);
  }
}
