import type { PrunedKind, PruneEvent } from '#contracts/gateway/prune-events.js';
import type { RequestContext } from '#contracts/request.js';
import { Stale } from '#libs/errors/errors.js';
import { subjectOf } from '#libs/event-store/aggregate-subject.js';
import { type AggregateSubject, type Cause, type Head, noHead } from '#libs/event-store/event.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { logger } from '#libs/telemetry/logger.js';
import { pruneDecider } from '../domain/prune/prune-decider.js';

const ATTEMPTS = 5;

/** Who pruned what, on the log. Nothing is folded of it: only where its subject ends is known, from the first prune on. */
export class PruneLog {
  private readonly heads = new Map<PrunedKind, Head>();
  /** One append of a kind at a time: prunes end together, and each would find that another was faster. */
  private readonly turns = new Map<PrunedKind, Promise<void>>();

  constructor(private readonly store: EventStore) {}

  /** A log that cannot be written to takes nothing back of what was pruned: that is told of in the engine's own. Of a dry run it goes to `asked.planned`. */
  async record(kind: PrunedKind, removed: number, reclaimedBytes: number, { dryRun: _dryRun, ...cause }: RequestContext): Promise<void> {
    const [event] = pruneDecider.decide({ type: 'Record', kind, removed, reclaimedBytes, at: new Date().toISOString() }, pruneDecider.initialState);
    if (event === undefined) return;
    const subject = subjectOf('prune', kind);
    const { type, ...data } = event;
    if (cause.planned !== undefined) return void cause.planned.push({ subject, type, data });
    const turn = (this.turns.get(kind) ?? Promise.resolve()).then(() => this.append(kind, subject, event, cause));
    this.turns.set(kind, turn);
    await turn;
  }

  private async append(kind: PrunedKind, subject: AggregateSubject, event: PruneEvent, cause: Cause): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { position, hash } = await this.store.append(subject, await this.headOf(kind, subject), [event], cause, { source: 'gateway' });
        this.heads.set(kind, { sequence: position, hash });
        return;
      } catch (error) {
        this.heads.delete(kind);
        if (error instanceof Stale && attempt < ATTEMPTS) continue;
        return logger('gateway').error('a prune could not be written to the log', { kind, removed: event.removed, error });
      }
    }
  }

  private async headOf(kind: PrunedKind, subject: AggregateSubject): Promise<Head> {
    let head = this.heads.get(kind) ?? noHead;
    if (!this.heads.has(kind)) await this.store.replay([subject], 0, ({ position, hash }) => (head = { sequence: position, hash }));
    return head;
  }
}
