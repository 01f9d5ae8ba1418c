import type { Exposition } from '#libs/telemetry/metrics/exposition.js';
import { Counter, Timer } from '#libs/telemetry/metrics/measured.js';

/** Layers of hundreds of megabytes over slow lines. Seconds. */
const PULL_BOUNDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** What pulls cost. */
export class PullMetrics {
  private readonly seconds = new Timer('berth_pull_seconds', 'How long pulls took, from the manifest to the last layer unpacked.', [{ outcome: 'ok' }], PULL_BOUNDS);
  private readonly bytes = new Counter('berth_pull_bytes_total', 'Bytes that registries sent of blobs, those of broken downloads too.');
  private readonly resumedBytes = new Counter('berth_pull_resumed_bytes_total', 'Bytes that were not asked for again, since a broken download went on after them.');

  constructor() {
    this.bytes.add({}, 0);
    this.resumedBytes.add({}, 0);
  }

  received(bytes: number): void {
    this.bytes.add({}, bytes);
  }

  resumed(bytes: number): void {
    this.resumedBytes.add({}, bytes);
  }

  /** Passes on what `work` rejects with. */
  async measure(work: () => Promise<void>): Promise<void> {
    const start = performance.now();
    let outcome = 'error';
    try {
      await work();
      outcome = 'ok';
    } finally {
      this.seconds.observe({ outcome }, (performance.now() - start) / 1000);
    }
  }

  write(out: Exposition): void {
    this.seconds.write(out);
    this.bytes.write(out);
    this.resumedBytes.write(out);
  }
}
