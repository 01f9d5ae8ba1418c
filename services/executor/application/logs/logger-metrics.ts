import type { Exposition } from '#libs/telemetry/metrics/exposition.js';
import { Counter } from '#libs/telemetry/metrics/measured.js';

/** What containers' logs had trouble with, in dockerd's names (moby, daemon/logger/metrics.go): counted from the executor's start on. Shims tell of what they wrote. */
export class LoggerMetrics {
  private readonly failedWrites = new Counter('logger_log_write_operations_failed_total', 'Number of log write operations that failed');
  private readonly failedReads = new Counter('logger_log_read_operations_failed_total', 'Number of log reads from container stdio that failed');
  private readonly longLines = new Counter('logger_log_entries_size_greater_than_buffer_total', 'Number of log entries which are larger than the log buffer');

  constructor() {
    for (const counter of [this.failedWrites, this.failedReads, this.longLines]) counter.add({}, 0);
  }

  wrote({ failedWrites, longLines }: { readonly failedWrites: number; readonly longLines: number }): void {
    this.failedWrites.add({}, failedWrites);
    this.longLines.add({}, longLines);
  }

  readonly readFailed = (): void => this.failedReads.add({});

  write(out: Exposition): void {
    for (const counter of [this.failedWrites, this.failedReads, this.longLines]) counter.write(out);
  }
}
