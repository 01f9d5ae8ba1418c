import { unavailable } from '#libs/errors/errors.js';
import { ClientMarks } from '../../adapters/trees/client-marks.js';

export interface PlaceLimits {
  /** Transfers under way at a time; one more waits. */
  readonly most: number;
  /** Of a transfer whose client does nothing, before it is ended for one that waits. */
  readonly patienceMs: number;
}

/**
 * Places for transfers that go at the pace of their clients, who may take as long as they like while there is room. Where there is none, whoever was longest without a byte from or to
 * its client makes room for whoever waits.
 */
export class ClientPlaces {
  private readonly taken = new Set<ClientPlace>();
  private readonly queue: (() => void)[] = [];
  private free: number;
  private look: NodeJS.Timeout | undefined;

  constructor(private readonly limits: PlaceLimits) {
    this.free = limits.most;
  }

  /** In order. `transfer` ends soon after its place does (`ClientPlace.ended`). */
  async hold<T>(place: ClientPlace, transfer: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.queue.push(resolve);
      this.lookForRoom();
      await promise;
    }
    this.taken.add(place);
    try {
      return await transfer();
    } finally {
      this.taken.delete(place);
      const next = this.queue.shift();
      if (next) next();
      else this.free++;
      this.lookForRoom();
    }
  }

  private lookForRoom(): void {
    if (this.look || !this.needsRoom()) return;
    const wait = Math.max(0, this.limits.patienceMs - (this.longestIdle()?.marks.idleMs ?? 0));
    this.look = setTimeout(() => {
      this.look = undefined;
      if (!this.needsRoom()) return;
      const found = this.longestIdle();
      if (found && (found.marks.idleMs ?? -1) >= this.limits.patienceMs) found.end();
      this.lookForRoom();
    }, wait).unref();
  }

  /** One that was ended takes a moment to go. */
  private needsRoom(): boolean {
    return this.queue.length > [...this.taken].filter(({ ended }) => ended.aborted).length;
  }

  private longestIdle(): ClientPlace | undefined {
    let longest: ClientPlace | undefined;
    let mostMs = -1;
    for (const place of this.taken) {
      const idleMs = place.marks.idleMs ?? -1;
      if (!place.ended.aborted && idleMs > mostMs) [longest, mostMs] = [place, idleMs];
    }
    return longest;
  }
}

/** One transfer, as its place knows it. */
export class ClientPlace {
  private readonly ending = new AbortController();
  readonly marks = ClientMarks.fresh();

  /** Its reason is an error for the client. */
  get ended(): AbortSignal {
    return this.ending.signal;
  }

  end(): void {
    this.ending.abort(unavailable('the copy was ended: its client neither read nor sent anything, and others waited for its place'));
  }
}
