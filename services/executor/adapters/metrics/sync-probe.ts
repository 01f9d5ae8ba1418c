import { open } from 'node:fs/promises';
import type { Exposition } from '#libs/telemetry/metrics/exposition.js';
import { FINE_BOUNDS, Histogram } from '#libs/telemetry/metrics/histogram.js';
import { RareLook } from '#libs/telemetry/metrics/rare-look.js';

const PAGE = Buffer.alloc(4096);

/**
 * How long the log's disk takes to make sure of a write. The log's server syncs before it acknowledges and does not tell how long that takes: this is a file beside
 * it, on the same file system.
 */
export class SyncProbe {
  private readonly seconds = new Histogram(FINE_BOUNDS);
  private readonly probe: RareLook<void>;

  constructor(
    private readonly path: string,
    everySeconds: number,
  ) {
    this.probe = new RareLook(() => this.syncOnce(), everySeconds);
  }

  async write(out: Exposition): Promise<void> {
    // A full disk is told by other series.
    await this.probe.read().catch(() => undefined);
    out.family('berth_log_fsync_seconds', 'histogram', "Sync of 4 KiB in a file on the log's file system, tried now and then: what an append waits for at the least. The log's own syncs are not told apart.");
    out.histogram('', this.seconds);
  }

  private async syncOnce(): Promise<void> {
    await using file = await open(this.path, 'w', 0o600);
    await file.write(PAGE, 0, PAGE.length, 0);
    const start = performance.now();
    await file.datasync();
    this.seconds.observe((performance.now() - start) / 1000);
  }
}
