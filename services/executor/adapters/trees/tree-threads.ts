import { type Transferable, Worker } from 'node:worker_threads';
import { type BerthError, type ErrorReply, errorMessage, fromErrorReply, internal, unavailable } from '#libs/errors/errors.js';
import type { TreeJobName, TreeJobs } from './tree-jobs.js';

/** More would not make one disk faster, fewer would have a small image wait for a large one. */
const MOST_THREADS = 2;
/** An idle thread holds some 10 MiB. */
const IDLE_MS = 5_000;
/** How long a thread may take to end, in which a system call may be under way. */
const END_WITHIN_MS = 2_000;
/** What a thread may hold beside buffers: a hostile archive ends its own thread, not the executor. */
const HEAP_MIB = 256;

let held = false;
/** Whether a thread of this process has not ended when it was to: process.exit waits for it, and may do so for ever. */
export const isHeld = (): boolean => held;

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: ErrorReply;
}

interface Waiting {
  readonly name: TreeJobName;
  readonly job: unknown;
  readonly transfer: readonly Transferable[];
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: BerthError) => void;
}

/** Threads for work on directory trees, made when there is work and ended when there is none for a while. Whoever makes it closes it. */
export class TreeThreads {
  private readonly threads = new Set<TreeThread>();
  private readonly queue: Waiting[] = [];
  private closed = false;

  /** `jobsEach`: a thread may begin another job while one waits, for a client say. What a thread's end takes along are all of them. */
  constructor(
    private readonly most = MOST_THREADS,
    private readonly jobsEach = 1,
  ) {}

  /** `transfer`: what of the job the thread takes over. Resolves to the job's result. Rejects with its error, or as internal when its thread died. Jobs begin in order. */
  run<Name extends TreeJobName>(name: Name, job: TreeJobs[Name]['job'], transfer: readonly Transferable[] = []): Promise<TreeJobs[Name]['result']> {
    if (this.closed) return Promise.reject(unavailable('the executor is stopping'));
    return new Promise<TreeJobs[Name]['result']>((resolve, reject) => {
      this.queue.push({ name, job, transfer, resolve: resolve as (result: unknown) => void, reject });
      this.serve();
    });
  }

  /**
   * Ends work that is under way: what it had made is found half made at the next start. A thread that waits in the kernel, as for a file system that does not answer, cannot be ended: it is left
   * after a while, and `isHeld` from then on.
   */
  async close(): Promise<void> {
    this.closed = true;
    for (const waiting of this.queue.splice(0)) waiting.reject(unavailable('the executor is stopping'));
    const late = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => late.resolve(true), END_WITHIN_MS);
    const isLate = await Promise.race([Promise.all([...this.threads].map((thread) => thread.end())).then(() => false), late.promise]);
    clearTimeout(timer);
    if (isLate) held = true;
  }

  private serve(): void {
    while (this.queue.length > 0) {
      const thread = this.freest();
      const next = thread && this.queue.shift();
      if (!next) return;
      try {
        thread.take(next);
      } catch (error) {
        // A port of it was closed by whoever waited.
        next.reject(unavailable(`the work is wanted no more: ${errorMessage(error)}`, error));
      }
    }
  }

  /** The one with the fewest jobs; a new one sooner than a second job for any. */
  private freest(): TreeThread | undefined {
    const [freest] = [...this.threads].filter(({ isEnding }) => !isEnding).toSorted((one, other) => one.jobs - other.jobs);
    if (freest?.jobs === 0) return freest;
    if (this.threads.size < this.most) return this.add();
    return freest && freest.jobs < this.jobsEach ? freest : undefined;
  }

  private add(): TreeThread {
    const thread = new TreeThread(
      () => this.serve(),
      () => {
        this.threads.delete(thread);
        this.serve();
      },
    );
    this.threads.add(thread);
    return thread;
  }
}

class TreeThread {
  private readonly worker = new Worker(new URL('./tree-thread.js', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    // Descriptors come from the addon, where Node does not see them opened.
    trackUnmanagedFds: false,
  });
  private readonly current = new Map<number, Waiting>();
  private lastId = 0;
  private idle: NodeJS.Timeout | undefined;
  private reason: unknown;
  /** It takes some milliseconds, and a job would end with it. */
  isEnding = false;

  constructor(
    private readonly onFree: () => void,
    onGone: () => void,
  ) {
    this.worker.on('message', (message: Answer) => this.done(message));
    this.worker.on('error', (error) => (this.reason = error));
    this.worker.on('exit', () => {
      clearTimeout(this.idle);
      for (const { reject } of this.current.values()) reject(this.reason === undefined ? unavailable('the executor is stopping') : internal(`the work on a directory tree ended early: ${errorMessage(this.reason)}`, this.reason));
      this.current.clear();
      onGone();
    });
    this.worker.unref();
  }

  get jobs(): number {
    return this.current.size;
  }

  /** Throws, and is as free as before, where the job cannot be handed over. */
  take(next: Waiting): void {
    const id = ++this.lastId;
    this.worker.postMessage({ id, name: next.name, job: next.job }, next.transfer);
    clearTimeout(this.idle);
    this.current.set(id, next);
    // A process does not end over a job under way, but it does over an idle thread.
    this.worker.ref();
  }

  async end(): Promise<void> {
    this.isEnding = true;
    await this.worker.terminate();
  }

  private done({ id, result, error }: Answer): void {
    const job = this.current.get(id);
    this.current.delete(id);
    if (this.current.size === 0) {
      this.worker.unref();
      this.idle = setTimeout(() => void this.end(), IDLE_MS).unref();
    }
    if (error) job?.reject(fromErrorReply(error));
    else job?.resolve(result);
    this.onFree();
  }
}
