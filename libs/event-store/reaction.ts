import { isRefusal } from '#libs/errors/errors.js';
import { retryUntilDone } from '#libs/messaging/retry.js';
import type { Commit } from './event.js';
import type { EventStore } from './event-store.js';
import { Fold, type FoldSnapshotOptions } from './fold.js';

/** Something to be done about a commit. Done twice, it must be as done once. */
export interface Work {
  /** Works of one key are done one after the other, in the log's order. */
  readonly key: string;
  readonly run: () => Promise<void>;
}

export interface ReactionOptions {
  readonly filters: readonly string[];
  /** What a commit asks for. What comes of it at once, in a fold, is seen here. */
  readonly see: (commit: Commit) => readonly Work[];
  readonly snapshot: FoldSnapshotOptions;
  readonly onError: (error: unknown) => void;
}

/**
 * Follows the log and does what follows from it, at least once: what fails is tried again, and the position that a snapshot keeps is the one before
 * the oldest work that is not done. One `start`, then `stop`.
 */
export class Reaction {
  private readonly queues = new Map<string, Promise<void>>();
  /** Position of each commit whose works are not all done, oldest first, and how many are left. */
  private readonly undone = new Map<number, number>();
  /** By key, told once its work fails again and again. Of interest until `start` is over. */
  private failing: Map<string, PromiseWithResolvers<void>> | undefined = new Map();
  private readonly stopping = new AbortController();
  private readonly fold: Fold;

  constructor(
    store: EventStore,
    private readonly options: ReactionOptions,
  ) {
    const { filters, snapshot } = options;
    this.fold = new Fold(store, { filters, snapshot, see: (commit) => this.see(commit) });
  }

  /**
   * Resolves once all that the log asked for until now is done, or fails again and again: that is tried further, but whoever waits here is not served, and where the log is
   * full all that can still be done is to read it.
   */
  async start(): Promise<void> {
    await this.fold.start();
    await Promise.all(Array.from(this.queues, ([key, queue]) => Promise.race([queue, this.failingOf(key)?.promise])));
    this.failing = undefined;
  }

  get position(): number {
    return this.fold.position;
  }

  async saveSnapshot(): Promise<void> {
    const [oldest] = this.undone.keys();
    await this.fold.saveSnapshot(oldest === undefined ? this.position : oldest - 1);
  }

  /** Ends the following. Works under way end in their own time; what is left undone is found again at the next start. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.fold.stop();
  }

  private see(commit: Commit): void {
    const works = this.options.see(commit);
    if (works.length > 0) this.undone.set(commit.position, works.length);
    for (const work of works) this.enqueue(commit.position, work);
  }

  private enqueue(position: number, { key, run }: Work): void {
    const queue = (this.queues.get(key) ?? Promise.resolve()).then(() => this.untilDone(key, run)).then((done) => {
      if (done) this.done(position);
      if (this.queues.get(key) === queue) this.queues.delete(key);
    });
    this.queues.set(key, queue);
  }

  /** False when the end came first. */
  private async untilDone(key: string, run: () => Promise<void>): Promise<boolean> {
    const { onError } = this.options;
    const attempt = async (): Promise<true> => {
      try {
        await run();
      } catch (error) {
        if (!isRefusal(error)) throw error;
        onError(error);
      }
      return true;
    };
    const failed = (error: unknown): void => {
      onError(error);
      this.failingOf(key)?.resolve();
    };
    return (await retryUntilDone(attempt, this.stopping.signal, failed)) ?? false;
  }

  private failingOf(key: string): PromiseWithResolvers<void> | undefined {
    const failing = this.failing?.get(key) ?? Promise.withResolvers<void>();
    this.failing?.set(key, failing);
    return this.failing && failing;
  }

  private done(position: number): void {
    const left = (this.undone.get(position) ?? 1) - 1;
    if (left === 0) this.undone.delete(position);
    else this.undone.set(position, left);
  }
}
