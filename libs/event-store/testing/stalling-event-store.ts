import { NotAppended, unavailable } from '#libs/errors/errors.js';
import type { AggregateSubject, Cause, Commit, DomainEvent, Head } from '../event.js';
import type { AppendOptions } from '../event-store.js';
import { MemoryEventStore } from './memory-event-store.js';

/** What becomes of an append that is answered as unavailable: it is refused, never comes, is there at once, or is there when `land` is called. */
export type Fate = 'full' | 'lost' | 'unheard' | 'late';

/** A log that stalls: the next appends of commits that begin with an event of some type go as `fates` says, in this order. */
export class StallingEventStore extends MemoryEventStore {
  readonly fates = new Map<string, Fate[]>();
  private readonly late: (() => Promise<unknown>)[] = [];

  override async append<E extends DomainEvent>(subject: AggregateSubject, expected: Head, events: readonly [E, ...E[]], cause: Cause, options?: AppendOptions): Promise<Commit<E>> {
    const append = (): Promise<Commit<E>> => super.append(subject, expected, events, cause, options);
    const fate = this.fates.get(events[0].type)?.shift();
    if (fate === undefined) return append();
    if (fate === 'full') throw new NotAppended('the log is full');
    if (fate === 'unheard') await append();
    if (fate === 'late') this.late.push(append);
    throw unavailable('the log did not answer');
  }

  /** What was late is on the log from now on, unless that has gone on without it. */
  async land(): Promise<void> {
    for (const append of this.late.splice(0)) await append().catch(() => undefined);
  }
}
