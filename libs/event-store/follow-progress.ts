import { unavailable } from '#libs/errors/errors.js';

interface Waiter {
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** How far a reader of the log has come, and who waits for it. */
export class FollowProgress {
  private waiting: Waiter[] = [];
  private failure: unknown;
  private readonly over = Promise.withResolvers<unknown>();

  constructor(private seen: number) {}

  /** Resolves at `end`, to what ended it. */
  get ended(): Promise<unknown> {
    return this.over.promise;
  }

  get position(): number {
    return this.seen;
  }

  advance(position: number): void {
    if (position > this.seen) this.seen = position;
    if (this.waiting.length === 0) return;
    const reached = this.waiting.filter((waiter) => waiter.position <= this.seen);
    if (reached.length === 0) return;
    this.waiting = this.waiting.filter((waiter) => waiter.position > this.seen);
    for (const waiter of reached) waiter.resolve();
  }

  /** Resolves once `advance` has come to `position`. Rejects when the reading ends first, and after `mostMs`, where it is given. */
  reached(position: number, mostMs?: number): Promise<void> {
    if (position <= this.seen) return Promise.resolve();
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { position, resolve, reject };
    this.waiting.push(waiter);
    if (mostMs === undefined) return promise;
    const timer = setTimeout(() => {
      this.waiting = this.waiting.filter((one) => one !== waiter);
      reject(unavailable(`the log has not reached position ${position}`));
    }, mostMs);
    return promise.finally(() => clearTimeout(timer));
  }

  end(error?: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = error ?? unavailable('the log is no longer followed');
    this.over.resolve(error);
    const waiting = this.waiting;
    this.waiting = [];
    for (const waiter of waiting) waiter.reject(this.failure);
  }
}
