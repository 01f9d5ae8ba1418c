import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { errorMessage, unavailable } from '#libs/errors/errors.js';
import type { Exposition, ExpositionFormat } from '#libs/telemetry/metrics/exposition.js';
import { type MetricsSource, metricsPage } from '#libs/telemetry/metrics/page.js';
import { telemetrySocket } from '#libs/telemetry/process-telemetry.js';
import type { TelemetryAnswer, TelemetryRoute } from '#libs/telemetry/telemetry-server.js';

/**
 * What the engine shows to Prometheus. Two pages on one port, as kubelet has them: `/metrics` is the engine's own, where dockerd has its; `/metrics/cadvisor` is the
 * executor's, which knows cgroups and has no port. Two scrape jobs read them, so that dashboards that ask for job="cadvisor" find it and no series is there twice.
 */
export function metricsRoutes(sources: readonly MetricsSource[], runRoot: string): [path: string, route: TelemetryRoute][] {
  const executor = telemetrySocket({ runRoot }, 'executor');
  return [
    ['/metrics', (_query, accept) => metricsPage([...sources, (out) => writeLogs(executor, out)], accept)],
    ['/metrics/cadvisor', () => executorsPage(executor, '/metrics')],
  ];
}

/** logger_*, which the executor counts since it has the logs. An executor that is away must not take the other series with it. */
async function writeLogs(socketPath: string, out: Exposition): Promise<void> {
  const page = await executorsPage(socketPath, '/metrics/logs', ACCEPT[out.format]).catch(() => undefined);
  if (page !== undefined && page.status === 200) out.append(String(page.body).replace(/# EOF\n$/, ''));
}

const ACCEPT: Readonly<Record<ExpositionFormat, string>> = { text: 'text/plain', openmetrics: 'application/openmetrics-text' };

/** Rejects as unavailable when the executor does not answer. */
function executorsPage(socketPath: string, path: string, accept = ''): Promise<TelemetryAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, headers: { accept }, timeout: 10_000 }, (answer) => {
      const contentType = answer.headers['content-type'] ?? 'text/plain';
      buffer(answer).then((body) => resolve({ status: answer.statusCode ?? 500, contentType, body }), reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer within 10 s')));
    asked.on('error', (error) => reject(unavailable(`the executor's metrics: ${errorMessage(error)}`, error)));
    asked.end();
  });
}
