import type { Exposition } from '#libs/telemetry/metrics/exposition.js';
import { Counter, Timer } from '#libs/telemetry/metrics/measured.js';

/** What health checks cost and how they end: dockerd's names (moby, daemon/metrics.go), and one of Berth's own. */
export class ProbeMetrics {
  private readonly checks = new Counter('engine_daemon_health_checks_total', 'The total number of health checks');
  private readonly failed = new Counter('engine_daemon_health_checks_failed_total', 'The total number of failed health checks');
  private readonly startSeconds = new Timer('engine_daemon_health_check_start_duration_seconds', 'The number of seconds it takes to prepare to run health checks', [{}]);
  private readonly seconds = new Timer('berth_health_probe_seconds', 'How long health checks took, from their exec to its end.', [{ result: 'ok' }, { result: 'failed' }]);

  constructor() {
    for (const counter of [this.checks, this.failed]) counter.add({}, 0);
  }

  /** The probe's command runs, so many seconds after it was wanted. */
  started(seconds: number): void {
    this.startSeconds.observe({}, seconds);
  }

  ended(succeeded: boolean, seconds: number): void {
    this.checks.add({});
    if (!succeeded) this.failed.add({});
    this.seconds.observe({ result: succeeded ? 'ok' : 'failed' }, seconds);
  }

  write(out: Exposition): void {
    for (const one of [this.checks, this.failed, this.startSeconds, this.seconds]) one.write(out);
  }
}
