import { Exposition, type ExpositionFormat } from './exposition.js';

/** Writes its families to a scrape's page. One that rejects fails the scrape: a page with holes would look like containers that went away. */
export type MetricsSource = (out: Exposition) => void | Promise<void>;

export interface MetricsPage {
  readonly contentType: string;
  readonly body: Buffer;
}

const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  annotated: 'application/openmetrics-text; annotated=1; charset=utf-8',
};

/** How long a page was, which tells how long it will be: one of megabytes that grows is copied, and what it was before is work for the garbage collector. */
const lengths = new WeakMap<readonly MetricsSource[], number>();
const SPARE = 1.1;

/** One scrape, in the format that the Accept header asks for. No two sources may have a family in common. */
export async function metricsPage(sources: readonly MetricsSource[], accept: string | undefined): Promise<MetricsPage> {
  const format = formatOf(accept);
  const out = new Exposition(format, Math.ceil((lengths.get(sources) ?? 0) * SPARE));
  for (const source of sources) await source(out);
  const body = out.bytes();
  lengths.set(sources, body.length);
  return { contentType: CONTENT_TYPES[format], body };
}

export function formatOf(accept: string | undefined): ExpositionFormat {
  if (accept?.includes(ACCEPT.annotated)) return 'annotated';
  return accept?.includes(ACCEPT.openmetrics) ? 'openmetrics' : 'text';
}

/** What asks for each format. */
export const ACCEPT: Readonly<Record<ExpositionFormat, string>> = { text: 'text/plain', openmetrics: 'application/openmetrics-text', annotated: 'application/openmetrics-text; annotated=1' };
