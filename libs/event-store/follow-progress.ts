import { unavailable } from '#libs/errors/errors.js';

/** How far a reader of the log has come, and who waits for it. */
export class FollowProgress {
  private waiting: { readonly position: number; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
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

  /** Resolves once `advance` has come to `position`. Rejects when the reading ends first. */
  reached(position: number): Promise<void> {
    if (position <= this.seen) return Promise.resolve();
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => this.waiting.push({ position, resolve, reject }));
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
