import { TreeThreads } from '../../adapters/trees/tree-threads.js';
import { ClientPlaces, type PlaceLimits } from './client-places.js';

/** What looks, and what works meanwhile. */
const THREADS_EACH = 2;
const JOBS_A_THREAD = 16;
const LIMITS: PlaceLimits = { most: THREADS_EACH * JOBS_A_THREAD, patienceMs: 30_000 };

interface Apart {
  readonly threads: TreeThreads;
  readonly places: ClientPlaces;
  users: number;
}

/**
 * Threads, and places for transfers, for what may never end, such as a look into a container whose file system does not answer: each such thing has its own while it is worked on, so that nobody
 * else waits for it. Whoever makes it closes it.
 */
export class ThreadsApart {
  private readonly byName = new Map<string, Apart>();

  /** As TreeThreads.run and ClientPlaces.hold. */
  of(name: string): Pick<TreeThreads, 'run'> & Pick<ClientPlaces, 'hold'> {
    return {
      run: (job, argument, transfer) => this.with(name, ({ threads }) => threads.run(job, argument, transfer)),
      hold: (place, transfer) => this.with(name, ({ places }) => places.hold(place, transfer)),
    };
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.byName.values(), ({ threads }) => threads.close()));
  }

  private with<T>(name: string, work: (apart: Apart) => Promise<T>): Promise<T> {
    const apart = this.byName.get(name) ?? { threads: new TreeThreads(THREADS_EACH, JOBS_A_THREAD), places: new ClientPlaces(LIMITS), users: 0 };
    this.byName.set(name, apart);
    apart.users++;
    return work(apart).finally(() => {
      apart.users--;
      if (apart.users === 0) {
        this.byName.delete(name);
        void apart.threads.close();
      }
    });
  }
}
