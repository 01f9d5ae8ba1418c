import { setTimeout } from 'node:timers/promises';
import type { ContainerEvent } from '#contracts/containers/events.js';
import type { WaitCondition } from '#contracts/containers/queries.js';
import type { EventStore, Following } from '#libs/event-store/event-store.js';

/** Between two attempts to follow a log that is away. */
const RETRY_MS = 500;

export type StartOutcome = 'started' | 'failed' | 'removed';

/** How a container's run ended, or its start failed; `removed`: the container is gone, with the exit code of its last run. */
export interface Ended {
  readonly removed: boolean;
  readonly exitCode: number;
  readonly error: string;
}

interface EndWaiter {
  readonly from: number;
  readonly condition: WaitCondition;
  /** Of the newest run that is over. */
  exitCode: number;
  readonly resolve: (ended: Ended) => void;
}

interface Seen {
  started: number;
  failed: number;
  /** Where one was seen to end. */
  exitCode?: number;
}

interface Waiter {
  readonly start: number;
  readonly resolve: (outcome: StartOutcome) => void;
}

/**
 * What containers went through since this gateway started, from the log: one following for all connections. Holds three numbers a container, and lets go
 * of them when the container is removed.
 */
export class ContainerFeed {
  private readonly seen = new Map<string, Seen>();
  private readonly waiters = new Map<string, Set<Waiter>>();
  private readonly endWaiters = new Map<string, Set<EndWaiter>>();
  private readonly namings = new Map<string, Set<(name: string) => void>>();
  private following: Following | undefined;
  private stopped = false;

  constructor(private readonly store: Pick<EventStore, 'follow' | 'lastPosition'>) {}

  /** Resolves when it follows the log. A following that breaks is taken up again where it broke. */
  async start(): Promise<void> {
    await this.follow(await this.store.lastPosition());
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.following?.stop();
  }

  private async follow(after: number): Promise<void> {
    let last = after;
    const following = await this.store.follow(['berth.event.container.>'], after, (commit) => {
      last = commit.position;
      // Only the containers service may write these subjects, and it validated them.
      for (const event of commit.events as readonly ContainerEvent[]) this.see(event);
    });
    this.following = following;
    void following.ended.catch(() => undefined).then(() => this.resume(() => last));
  }

  private async resume(last: () => number): Promise<void> {
    while (!this.stopped) {
      await setTimeout(RETRY_MS, undefined, { ref: false });
      try {
        if (!this.stopped) await this.follow(last());
        return;
      } catch {
        // The log is still away: once more.
      }
    }
  }

  /** Resolves once run number `start` of a container began or will not. An aborted wait never resolves. */
  whenStarted(container: string, start: number, abort: AbortSignal): Promise<StartOutcome> {
    const seen = this.seen.get(container);
    if (seen !== undefined && seen.started >= start) return Promise.resolve('started');
    if (seen !== undefined && seen.failed >= start) return Promise.resolve('failed');
    return new Promise((resolve) => {
      if (abort.aborted) return;
      const waiter: Waiter = { start, resolve };
      const waiters = this.waiters.get(container) ?? new Set();
      this.waiters.set(container, waiters.add(waiter));
      abort.addEventListener('abort', () => waiters.delete(waiter), { once: true });
    });
  }

  /** Resolves once run number `from`, or a later one, has ended (for 'not-running': or failed to begin), or the container is removed; for 'removed' only then. `exitCode`: of its newest run that is over, as far as the caller knows. An aborted wait never resolves. */
  whenEnded(container: string, from: number, condition: WaitCondition, exitCode: number, abort: AbortSignal): Promise<Ended> {
    return new Promise((resolve) => {
      if (abort.aborted) return;
      const waiter: EndWaiter = { from, condition, exitCode: this.seen.get(container)?.exitCode ?? exitCode, resolve };
      const waiters = this.endWaiters.get(container) ?? new Set();
      this.endWaiters.set(container, waiters.add(waiter));
      abort.addEventListener('abort', () => waiters.delete(waiter), { once: true });
    });
  }

  /** Tells `named` of each new name of a container from now on. Gives what ends that. */
  whenRenamed(container: string, named: (name: string) => void): () => void {
    const namings = this.namings.get(container) ?? new Set();
    this.namings.set(container, namings.add(named));
    return () => {
      namings.delete(named);
      if (namings.size === 0 && this.namings.get(container) === namings) this.namings.delete(container);
    };
  }

  see(event: ContainerEvent): void {
    const { container } = event;
    if (event.type === 'ContainerRenamed') for (const named of this.namings.get(container) ?? []) named(event.name);
    if (event.type === 'ContainerRemoved') {
      this.end(container, () => true, { removed: true, error: '' });
      this.endWaiters.delete(container);
      this.seen.delete(container);
      for (const waiter of this.waiters.get(container) ?? []) waiter.resolve('removed');
      this.waiters.delete(container);
      return;
    }
    if (event.type === 'ContainerExited' || event.type === 'StartFailed') {
      const error = event.type === 'StartFailed' ? event.error : '';
      for (const waiter of this.endWaiters.get(container) ?? []) waiter.exitCode = event.exitCode;
      this.end(container, (waiter) => event.start >= waiter.from && (waiter.condition === 'not-running' || (waiter.condition === 'next-exit' && event.type === 'ContainerExited')), { removed: false, error });
    }
    if (event.type === 'ContainerStarted') this.record(container, { started: event.start });
    if (event.type === 'StartFailed') this.record(container, { failed: event.start, exitCode: event.exitCode });
    if (event.type === 'ContainerExited') this.record(container, { exitCode: event.exitCode });
  }

  private end(container: string, isMet: (waiter: EndWaiter) => boolean, ended: Omit<Ended, 'exitCode'>): void {
    const waiters = this.endWaiters.get(container);
    for (const waiter of [...(waiters ?? [])].filter(isMet)) {
      waiters?.delete(waiter);
      waiter.resolve({ ...ended, exitCode: waiter.exitCode });
    }
    if (waiters?.size === 0) this.endWaiters.delete(container);
  }

  private record(container: string, change: Partial<Seen>): void {
    const seen = { ...(this.seen.get(container) ?? { started: -1, failed: -1 }), ...change };
    this.seen.set(container, seen);
    const waiters = this.waiters.get(container);
    for (const waiter of waiters ?? []) {
      if (seen.started < waiter.start && seen.failed < waiter.start) continue;
      waiters?.delete(waiter);
      waiter.resolve(seen.started >= waiter.start ? 'started' : 'failed');
    }
    if (waiters?.size === 0) this.waiters.delete(container);
  }
}
