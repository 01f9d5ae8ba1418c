import { unavailable } from '#libs/errors/errors.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { frontProcess, serviceProcesses } from '#libs/settings/services.js';
import { askProcess } from '#libs/telemetry/ask-process.js';
import { type Exposition, labelText } from '#libs/telemetry/metrics/exposition.js';
import { mergeFamilies } from '#libs/telemetry/metrics/merge-families.js';
import { ACCEPT, type MetricsPage, type MetricsSource, formatOf, metricsPage } from '#libs/telemetry/metrics/page.js';
import { prefersProtobuf, protobufPage } from '#libs/telemetry/metrics/protobuf-page.js';
import { writeProcess } from '#libs/telemetry/metrics/process-metrics.js';
import type { ProcessTelemetry } from '#libs/telemetry/process-telemetry.js';
import { sharedAnswer } from '#libs/telemetry/shared-answer.js';
import type { TelemetryAnswer, TelemetryRoute } from '#libs/telemetry/telemetry-server.js';

/**
 * What a process of services shows beside its health. The front, where the gateway is, shows the whole engine, in two pages, as kubelet has them: `/metrics` is
 * the engine's own, where dockerd has its; `/metrics/cadvisor` is the executor's, which knows cgroups and has no port. Two scrape jobs read them, so that
 * dashboards that ask for job="cadvisor" find it and no series is there twice. Services that run apart are on the engine's page too; what Node tells of
 * their processes is at `/metrics/<process>`. `services`: the families of this process's services. `log`: those of the log, which any process can tell.
 */
export function showProcess(name: string, settings: EngineSettings, { routes, health }: ProcessTelemetry, services: readonly MetricsSource[], log: MetricsSource): void {
  const { runRoot } = settings;
  if (frontProcess(settings) !== name) {
    routes.set('/metrics', (_query, accept) => metricsPage([...services, log, writeProcess], accept));
    routes.set('/metrics/services', (_query, accept) => metricsPage(services, accept));
    return;
  }
  const others = new Map([...serviceProcesses(settings)].filter(([process]) => process !== name));
  for (const [process, names] of others) {
    health.addElsewhere(process, names, (path) => askProcess(runRoot, process, path, '', SOON_MS));
    routes.set(`/metrics/${process}`, sharedPage((accept) => askProcess(runRoot, process, '/metrics', accept)));
  }
  health.addElsewhere('executor', ['executor'], (path) => askProcess(runRoot, 'executor', path, '', SOON_MS));
  const own = [...services, log, writeProcess, (out: Exposition) => writeLogs(runRoot, out)];
  routes.set('/metrics', sharedPage(async (accept) => withOthers(await metricsPage(own, accept), await Promise.all(Array.from(others.keys(), (process) => servicesPage(runRoot, process, accept))))));
  routes.set('/metrics/cadvisor', sharedAnswer(() => askProcess(runRoot, 'executor', '/metrics'), KEPT_MS));
}

/** Prometheus does not come more often. */
const KEPT_MS = 1000;
/** For what a process that lives tells at once: whoever looks is not kept waiting by one that is stopped. */
const SOON_MS = 2_000;

/** A page that is shared by all who ask for it in one format: protobuf too, which alone has native histograms. */
function sharedPage(page: (accept: string) => Promise<TelemetryAnswer>): TelemetryRoute {
  const [inText, inOpenMetrics] = [sharedAnswer(() => page(ACCEPT.text), KEPT_MS), sharedAnswer(() => page(ACCEPT.openmetrics), KEPT_MS)];
  const inProtobuf = sharedAnswer(async () => asProtobuf(await page(ACCEPT.annotated)), KEPT_MS);
  return (_query, accept) => (prefersProtobuf(accept) ? inProtobuf() : formatOf(accept) === 'text' ? inText() : inOpenMetrics());
}

const asProtobuf = (page: TelemetryAnswer): TelemetryAnswer | Promise<TelemetryAnswer> => ((page.status ?? 200) === 200 ? protobufPage(String(page.body)) : page);

const withOthers = (page: MetricsPage, others: readonly string[]): TelemetryAnswer => (others.length === 0 ? page : { ...page, body: mergeFamilies([String(page.body), ...others]) });

/** A page without what belongs on it would look as if containers had gone: rejects, and the scrape fails. */
async function servicesPage(runRoot: string, process: string, accept: string): Promise<string> {
  const { status, body } = await askProcess(runRoot, process, '/metrics/services', accept);
  if (status !== 200) throw unavailable(`the metrics of the process ${process}: ${String(body)}`);
  return String(body);
}

/** logger_*, which the executor counts since it has the logs. An executor that is away, or answers nobody, must not take the other series with it. */
async function writeLogs(runRoot: string, out: Exposition): Promise<void> {
  const page = await askProcess(runRoot, 'executor', '/metrics/logs', ACCEPT[out.format], SOON_MS).catch(() => undefined);
  const isHere = page !== undefined && page.status === 200;
  out.family('berth_process_answers', 'gauge', 'Whether a process answered for this page: where it did not, what it counts is missing.').sample(labelText({ process: 'executor' }), isHere ? 1 : 0);
  if (isHere) out.append(String(page.body).replace(/# EOF\n$/, ''));
}
