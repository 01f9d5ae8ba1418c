import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { errorMessage, unavailable } from '#libs/errors/errors.js';
import { type MetricsSource, metricsPage } from '#libs/telemetry/metrics/page.js';
import { telemetrySocket } from '#libs/telemetry/process-telemetry.js';
import type { TelemetryAnswer, TelemetryRoute } from '#libs/telemetry/telemetry-server.js';

/**
 * What the engine shows to Prometheus. Two pages on one port, as kubelet has them: `/metrics` is the engine's own, where dockerd has its; `/metrics/cadvisor` is the
 * executor's, which knows cgroups and has no port. Two scrape jobs read them, so that dashboards that ask for job="cadvisor" find it and no series is there twice.
 */
export function metricsRoutes(sources: readonly MetricsSource[], runRoot: string): [path: string, route: TelemetryRoute][] {
  return [
    ['/metrics', (_query, accept) => metricsPage(sources, accept)],
    ['/metrics/cadvisor', () => executorsPage(telemetrySocket({ runRoot }, 'executor'))],
  ];
}

/** Rejects as unavailable when the executor does not answer. */
function executorsPage(socketPath: string): Promise<TelemetryAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/metrics', timeout: 10_000 }, (answer) => {
      const contentType = answer.headers['content-type'] ?? 'text/plain';
      buffer(answer).then((body) => resolve({ status: answer.statusCode ?? 500, contentType, body }), reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer within 10 s')));
    asked.on('error', (error) => reject(unavailable(`the executor's metrics: ${errorMessage(error)}`, error)));
    asked.end();
  });
}
