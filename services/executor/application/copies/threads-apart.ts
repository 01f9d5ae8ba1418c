import { TreeThreads } from '../../adapters/trees/tree-threads.js';

/** Of one container: what looks, and what copies. */
const THREADS_EACH = 2;
const JOBS_A_THREAD = 16;

interface Apart {
  readonly threads: TreeThreads;
  jobs: number;
}

/** Threads for containers in which a look may never end: each has its own while it is looked into, so that nobody else waits for it. Whoever makes it closes it. */
export class ThreadsApart {
  private readonly byContainer = new Map<string, Apart>();

  /** As TreeThreads.run. */
  of(container: string): Pick<TreeThreads, 'run'> {
    return { run: (name, job, transfer) => this.with(container, (threads) => threads.run(name, job, transfer)) };
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.byContainer.values(), ({ threads }) => threads.close()));
  }

  private async with<T>(container: string, work: (threads: TreeThreads) => Promise<T>): Promise<T> {
    const apart = this.byContainer.get(container) ?? { threads: new TreeThreads(THREADS_EACH, JOBS_A_THREAD), jobs: 0 };
    this.byContainer.set(container, apart);
    apart.jobs++;
    try {
      return await work(apart.threads);
    } finally {
      apart.jobs--;
      if (apart.jobs === 0) {
        this.byContainer.delete(container);
        void apart.threads.close();
      }
    }
  }
}
