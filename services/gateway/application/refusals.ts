import type { AccessEvent } from '#contracts/gateway/access-events.js';
import type { RequestContext } from '#contracts/request.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { SnapshotSchedule, type SnapshotScheduleOptions } from '#libs/event-store/snapshot-schedule.js';
import { logger } from '#libs/telemetry/logger.js';
import { type Caller, identity } from '../domain/access/caller.js';
import { ACCESS_FOLD, refusalDecider } from '../domain/access/refusal-decider.js';

/** Who was refused what, on the log. One `start`, then `stop`. */
export class RefusalLog {
  private readonly refusals;
  private readonly unwritten = new Map<string, number>();
  private readonly snapshots: SnapshotSchedule;

  constructor(store: EventStore, snapshotPath: string, schedule?: SnapshotScheduleOptions) {
    this.refusals = new Aggregates(store, 'access', refusalDecider, { source: 'gateway', snapshot: { path: snapshotPath, fold: ACCESS_FOLD } });
    this.snapshots = new SnapshotSchedule([this.refusals], (error) => logger('gateway').warn('no snapshot of refusals', { error }), schedule);
  }

  /** What it may have read a long log for is kept at once: nobody is served before. */
  async start(): Promise<void> {
    await this.refusals.start();
    this.snapshots.start();
    await this.snapshots.save();
  }

  /** Resolves once it is on the log, or counted for the next that is. A log that cannot be written to changes nothing of the refusal: that is told of in the engine's own. */
  async record(caller: Caller, refusal: Omit<AccessEvent, 'type' | 'at' | 'unwritten'>, { actor, correlationId, causationId, traceparent }: RequestContext): Promise<void> {
    const who = identity(caller);
    const unwritten = this.unwritten.get(who) ?? 0;
    this.unwritten.delete(who);
    try {
      const cause = { actor, correlationId, causationId, ...(traceparent === undefined ? {} : { traceparent }) };
      const { events } = await this.refusals.execute(who, { type: 'Refuse', ...refusal, ...(unwritten > 0 ? { unwritten } : {}), at: new Date().toISOString() }, cause);
      if (events.length === 0) this.count(who, unwritten + 1);
    } catch (error) {
      this.count(who, unwritten + 1);
      logger('gateway').error('a refusal could not be written to the log', { who, error, ...refusal });
    }
  }

  async stop(): Promise<void> {
    await this.snapshots.stop();
    await this.refusals.stop();
  }

  private count(who: string, more: number): void {
    this.unwritten.set(who, (this.unwritten.get(who) ?? 0) + more);
  }
}
