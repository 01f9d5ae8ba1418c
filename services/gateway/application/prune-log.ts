import type { PrunedKind } from '#contracts/gateway/prune-events.js';
import type { RequestContext } from '#contracts/request.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { logger } from '#libs/telemetry/logger.js';
import { pruneDecider } from '../domain/prune/prune-decider.js';

/** Who pruned what, on the log. `stop` when no prune is under way any more. */
export class PruneLog {
  private readonly prunes;
  /** Most engines are never asked for a prune. */
  private started: Promise<void> | undefined;

  constructor(store: EventStore) {
    this.prunes = new Aggregates(store, 'prune', pruneDecider, { source: 'gateway' });
  }

  /** A log that cannot be written to takes nothing back of what was pruned: that is told of in the engine's own. `asked.planned`: a dry run's. */
  async record(kind: PrunedKind, removed: number, reclaimedBytes: number, asked: RequestContext): Promise<void> {
    const { dryRun: _dryRun, ...cause } = asked;
    try {
      await this.start();
      await this.prunes.execute(kind, { type: 'Record', kind, removed, reclaimedBytes, at: new Date().toISOString() }, cause);
    } catch (error) {
      logger('gateway').error('a prune could not be written to the log', { kind, removed, error });
    }
  }

  private async start(): Promise<void> {
    this.started ??= this.prunes.start();
    await this.started.catch((error: unknown) => {
      this.started = undefined;
      throw error;
    });
  }

  async stop(): Promise<void> {
    await this.started?.catch(() => undefined);
    await this.prunes.stop();
  }
}
