import type { OpenMetricsContentType, PrometheusContentType, Registry } from 'prom-client';
import type { Exposition, ExpositionFormat } from './exposition.js';

interface Registries extends Readonly<Record<ExpositionFormat, Pick<Registry, 'metrics'>>> {}

let registries: Promise<Registries> | undefined;

/** What Node tells of its own process, process_* and nodejs_*, by prom-client. It takes 18 MB and 70 ms: loaded when somebody scrapes, measured from then on. */
export async function writeProcess(out: Exposition): Promise<void> {
  const registry = (await (registries ??= open()))[out.format];
  out.append((await registry.metrics()).replace(/# EOF\n$/, ''));
}

async function open(): Promise<Registries> {
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const text = new Registry<PrometheusContentType>();
  const openmetrics = new Registry<OpenMetricsContentType>();
  openmetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  collectDefaultMetrics({ register: text });
  collectDefaultMetrics({ register: openmetrics });
  return { text, openmetrics, annotated: openmetrics };
}
