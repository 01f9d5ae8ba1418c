import { finished, type Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** As long as dockerd holds a run's end back for its output, which what outlives its command may keep open, and a client that does not read. */
const PATIENCE_MS = 2_000;

interface UnderWay {
  readonly start: number;
  readonly sent: Promise<void>;
}

/** The output of containers that clients are being sent: who waits for the end of a run is told of it after they have it. */
export class OutputsUnderWay {
  private readonly byContainer = new Map<string, Set<UnderWay>>();

  constructor(private readonly patienceMs = PATIENCE_MS) {}

  /** What `client` is sent of this run, until its side is ended. */
  add(container: string, start: number, client: Duplex): void {
    const all = this.byContainer.get(container) ?? new Set();
    const one = { start, sent: new Promise<void>((resolve) => finished(client, { readable: false }, () => resolve())) };
    this.byContainer.set(container, all.add(one));
    void one.sent.then(() => {
      all.delete(one);
      if (all.size === 0 && this.byContainer.get(container) === all) this.byContainer.delete(container);
    });
  }

  /** Resolves when what is under way of runs up to `start` has been sent, or soon enough. */
  async sent(container: string, start: number): Promise<void> {
    const all = [...(this.byContainer.get(container) ?? [])].filter((one) => one.start <= start);
    if (all.length === 0) return;
    const over = new AbortController();
    const late = delay(this.patienceMs, undefined, { signal: over.signal, ref: false }).catch(() => undefined);
    await Promise.race([Promise.all(all.map(({ sent }) => sent)), late]);
    over.abort();
  }
}
