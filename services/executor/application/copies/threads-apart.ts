import { TreeThreads } from '../../adapters/trees/tree-threads.js';

/** What looks, and what works meanwhile. */
const THREADS_EACH = 2;
const JOBS_A_THREAD = 16;

interface Apart {
  readonly threads: TreeThreads;
  jobs: number;
}

/** Threads for what may never end, such as a look into a container whose file system does not answer: each such thing has its own while it is worked on, so that nobody else waits for it. Whoever makes it closes it. */
export class ThreadsApart {
  private readonly byName = new Map<string, Apart>();

  /** As TreeThreads.run. */
  of(name: string): Pick<TreeThreads, 'run'> {
    return { run: (job, argument, transfer) => this.with(name, (threads) => threads.run(job, argument, transfer)) };
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.byName.values(), ({ threads }) => threads.close()));
  }

  private async with<T>(name: string, work: (threads: TreeThreads) => Promise<T>): Promise<T> {
    const apart = this.byName.get(name) ?? { threads: new TreeThreads(THREADS_EACH, JOBS_A_THREAD), jobs: 0 };
    this.byName.set(name, apart);
    apart.jobs++;
    try {
      return await work(apart.threads);
    } finally {
      apart.jobs--;
      if (apart.jobs === 0) {
        this.byName.delete(name);
        void apart.threads.close();
      }
    }
  }
}
