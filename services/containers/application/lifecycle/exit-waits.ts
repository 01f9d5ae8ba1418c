import type { WaitCondition } from '#contracts/containers/queries.js';
import type { ContainerEvent } from '#contracts/containers/events.js';
import { isRunning } from '../../domain/container/container-state.js';
import type { ContainerDirectory } from '../names/container-directory.js';
import { LONGEST_TIMER_MS } from './longest-timer.js';

export interface Waited {
  readonly done: boolean;
  readonly id: string;
  readonly exitCode: number;
  readonly error: string;
  readonly startNumber: number;
}

interface Waiter {
  /** 'over': the run has ended, or never came to be. */
  readonly condition: WaitCondition | 'over';
  /** How the newest run that is over went: what removal is told with. */
  exitCode: number;
  readonly settle: (result: Waited) => void;
}

/** Requests that wait for a container to exit, or to be gone. */
export class ExitWaits {
  private readonly waiters = new Map<string, Set<Waiter>>();

  constructor(private readonly directory: ContainerDirectory) {}

  wait(reference: string, condition: WaitCondition, deadlineMs: number): Promise<Waited> {
    const container = this.directory.find(reference);
    const { spec, status, run } = container;
    // As dockerd, what waits for its restart counts as running.
    if (condition === 'not-running' && !isRunning(container) && status !== 'restarting' && !(status === 'removing' && !run.over))
      return Promise.resolve({ done: true, id: spec.id, exitCode: run.exitCode, error: run.error, startNumber: run.start });
    return this.until(spec.id, condition, deadlineMs);
  }

  /** Resolves `done` when the newest run of `id` has ended, at once when none goes on. */
  ended(id: string, deadlineMs: number): Promise<Waited> {
    const container = this.directory.get(id);
    const goesOn = container !== undefined && (isRunning(container) || (container.status === 'removing' && !container.run.over));
    if (!goesOn) return Promise.resolve({ done: true, id, exitCode: container?.run.exitCode ?? 0, error: '', startNumber: container?.run.start ?? 0 });
    return this.until(id, 'over', deadlineMs);
  }

  see(event: ContainerEvent): void {
    if (event.type === 'ContainerExited' || event.type === 'StartFailed') {
      for (const waiter of this.waiters.get(event.container) ?? []) waiter.exitCode = event.exitCode;
      const error = event.type === 'StartFailed' ? event.error : '';
      // A wait for an exit goes on where none comes, as with dockerd: the start's own answer tells.
      const met = (condition: Waiter['condition']): boolean => condition !== 'removed' && (condition !== 'next-exit' || event.type === 'ContainerExited');
      this.settle(event.container, met, { error, startNumber: event.start });
    } else if (event.type === 'StopRequested') {
      // It waited for its restart: no other end comes.
      const run = this.directory.get(event.container)?.run;
      if (run?.over) this.settle(event.container, (condition) => condition !== 'removed', { error: '', startNumber: run.start });
    } else if (event.type === 'ContainerRemoved') {
      this.settle(event.container, () => true, { error: '', startNumber: 0 });
    }
  }

  private until(id: string, condition: Waiter['condition'], deadlineMs: number): Promise<Waited> {
    return new Promise((resolve) => {
      const waiters = this.waiters.get(id) ?? new Set();
      this.waiters.set(id, waiters);
      const timer = setTimeout(() => settle({ done: false, id, exitCode: 0, error: '', startNumber: 0 }), Math.min(deadlineMs, LONGEST_TIMER_MS)).unref();
      const settle = (result: Waited): void => {
        clearTimeout(timer);
        waiters.delete(waiter);
        if (waiters.size === 0) this.waiters.delete(id);
        resolve(result);
      };
      const waiter: Waiter = { condition, exitCode: this.directory.get(id)?.run.exitCode ?? 0, settle };
      waiters.add(waiter);
    });
  }

  private settle(id: string, isMet: (condition: Waiter['condition']) => boolean, result: Pick<Waited, 'error' | 'startNumber'>): void {
    for (const waiter of [...(this.waiters.get(id) ?? [])]) if (isMet(waiter.condition)) waiter.settle({ done: true, id, exitCode: waiter.exitCode, ...result });
  }
}
