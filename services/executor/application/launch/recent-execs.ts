import type { TaskEvent } from '#contracts/executor/tasks.js';
import { kindFilter } from '#libs/event-store/aggregate-subject.js';
import type { EventStore } from '#libs/event-store/event-store.js';

/** Commits, a fifth of a second to read: more than a minute has, but on a very busy host. */
const STRETCH = 20_000;

/**
 * The execs of all tasks that began within the last `ageMs`, by the log. Of the end of the log alone: a task may have had hundreds of thousands of execs,
 * and with an older engine each look at its health was one. Read once for all who ask, and then on from there.
 */
export class RecentExecs {
  private readonly pids = new Map<string, number>();
  private readTo: number | undefined;
  private reading: Promise<unknown> = Promise.resolve();
  private next: Promise<void> | undefined;

  constructor(
    private readonly store: Pick<EventStore, 'replay' | 'lastPosition' | 'commitAt'>,
    private readonly ageMs: number,
    private readonly stretch = STRETCH,
  ) {}

  /** Undefined: it began longer ago, or never. */
  async pidOf(exec: string): Promise<number | undefined> {
    this.next ??= this.reading.then(() => {
      this.next = undefined;
      const read = this.readOn();
      this.reading = read.catch(() => undefined);
      return read;
    });
    await this.next;
    return this.pids.get(exec);
  }

  private async readOn(): Promise<void> {
    this.readTo ??= await this.before(Date.now() - this.ageMs);
    this.readTo = await this.store.replay([kindFilter('task')], this.readTo, ({ events }) => {
      for (const event of events as readonly TaskEvent[]) if (event.type === 'ExecStarted') this.pids.set(event.exec, event.pid);
    });
  }

  /** A position before all that was appended since `time`. */
  private async before(time: number): Promise<number> {
    for (let position = await this.store.lastPosition(); ; ) {
      position = Math.max(0, position - this.stretch);
      if (position === 0 || Date.parse((await this.store.commitAt(position))?.time ?? '') < time) return position;
    }
  }
}
