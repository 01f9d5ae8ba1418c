import { randomUUID } from 'node:crypto';
import type { DiscardReason } from '#contracts/containers/events.js';
import { SweepKept } from '#contracts/executor/kept.js';
import type { RequestContext } from '#contracts/request.js';
import { causedBy } from '#libs/event-store/caused-by.js';
import type { Bus } from '#libs/messaging/bus.js';
import { retryUntilDone } from '#libs/messaging/retry.js';
import type { LogFields } from '#libs/telemetry/log-record.js';
import type { KeptContainer } from '../../domain/container/container-state.js';
import type { Containers } from '../names/container-directory.js';
import type { KeptContainers } from './kept-containers.js';
import type { UndoGrace } from './undo-grace.js';

/** Each holds some kilobytes of memory, here and in the executor, and its files: with more of them an engine through which thousands pass is not flat. */
const MOST_KEPT = 100;
/** How often the disk is looked at while something is kept. */
const LOOK_MS = 10_000;
/** Between one look and the next, also where what is due cannot be deleted now. */
const PAUSE_MS = 500;

/**
 * Lets go of removed containers: when their time is over; the oldest half of them, again and again, while the disk is short; the oldest when there are too many. After a start,
 * restores that were cut short go on, and what is on the disk of containers that are gone is deleted.
 */
export class KeptExpiry {
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private unlisten: readonly (() => void)[] = [];
  private discarding: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly containers: Pick<Containers, 'onCommit' | 'onUnanswered' | 'entries'>,
    private readonly kept: Pick<KeptContainers, 'all' | 'discard' | 'discardFiles' | 'goOnRestoring'>,
    private readonly grace: Pick<UndoGrace, 'isDiskShort'>,
    private readonly bus: Bus,
    private readonly onError: (error: unknown, about: LogFields) => void,
  ) {}

  start(): void {
    const asked: RequestContext = { actor: 'service:containers', correlationId: randomUUID(), causationId: 'recovery' };
    this.unlisten = [
      this.containers.onCommit((id, commit, _state, live) => {
        for (const event of live ? commit.events : []) {
          if ((event.type === 'ContainerRemoved' && event.keptUntil !== undefined) || event.type === 'RestoreFailed') this.lookSoon();
          // Beside the request, whose client may lose patience; both are one restore, or discard.
          if (event.type === 'RestoreRequested') this.goOnRestoring(id, causedBy(commit, 'service:containers'));
          if (event.type === 'ContainerDiscarded') this.discardFiles(id, causedBy(commit, 'service:containers'));
        }
      }),
      this.containers.onUnanswered((id, commit) => {
        if (commit.events.some(({ type }) => type === 'ContainerDiscarded')) this.discardFiles(id, causedBy(commit, 'service:containers'));
      }),
    ];
    for (const { status, before } of this.kept.all()) if (status === 'restoring') this.goOnRestoring(before.spec.id, asked);
    this.inBackground(() => this.bus.request(SweepKept, { containers: Array.from(this.containers.entries(), ([id]) => id) }, asked), {});
    this.lookSoon();
  }

  stop(): void {
    this.stopping.abort();
    for (const unlisten of this.unlisten) unlisten();
    clearTimeout(this.timer);
  }

  private goOnRestoring(container: string, asked: RequestContext): void {
    this.inBackground(() => this.kept.goOnRestoring(container, asked), { container, correlationId: asked.correlationId });
  }

  private discardFiles(container: string, asked: RequestContext): void {
    this.inBackground(() => this.kept.discardFiles(container, asked), { container, correlationId: asked.correlationId });
  }

  private lookSoon(): void {
    if (this.timer !== undefined || this.stopping.signal.aborted) return;
    const kept = this.discardable();
    if (kept.length === 0) return;
    const due = Math.min(...kept.map(({ until }) => Date.parse(until))) - Date.now();
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.look();
    }, Math.max(PAUSE_MS, Math.min(due, LOOK_MS))).unref();
  }

  /** Not those that are on their way back, however late. */
  private discardable(): readonly KeptContainer[] {
    return this.kept.all().filter(({ status }) => status === 'kept');
  }

  private look(): void {
    const kept = this.discardable();
    const doomed = new Map<string, DiscardReason>();
    const take = (some: readonly KeptContainer[], reason: DiscardReason): void => {
      for (const { before } of some) if (!doomed.has(before.spec.id)) doomed.set(before.spec.id, reason);
    };
    take(kept.filter(({ until }) => Date.parse(until) <= Date.now()), 'time-over');
    take(kept.slice(MOST_KEPT), 'crowded');
    if (this.grace.isDiskShort()) take(kept.slice(Math.floor(kept.length / 2)), 'disk-short');
    this.discarding = this.discarding.then(async () => {
      for (const [id, reason] of doomed) {
        const asked: RequestContext = { actor: 'service:containers', correlationId: randomUUID(), causationId: reason };
        await this.kept.discard(id, reason, asked).catch((error: unknown) => this.onError(error, { container: id, correlationId: asked.correlationId }));
        if (this.stopping.signal.aborted) return;
      }
      this.lookSoon();
    });
  }

  private inBackground(work: () => Promise<unknown>, about: LogFields): void {
    retryUntilDone(work, this.stopping.signal, (error) => this.onError(error, about)).catch((error: unknown) => this.onError(error, about));
  }
}
