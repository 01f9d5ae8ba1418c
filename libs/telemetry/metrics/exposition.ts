import { GrowingBytes } from './growing-bytes.js';
import type { HistogramData } from './histogram.js';

export type MetricType = 'counter' | 'gauge' | 'histogram';

/**
 * 'text' is Prometheus' format 0.0.4; 'openmetrics' can carry exemplars. 'annotated' is what processes of an engine tell one another, to be merged before a page in protobuf is made of it:
 * OpenMetrics with a line of its own, `# NATIVE LABELS JSON`, behind each histogram that has sparse buckets.
 */
export type ExpositionFormat = 'text' | 'openmetrics' | 'annotated';

/** Begins the line of a histogram's sparse buckets. */
export const NATIVE = '# NATIVE ';

export type Labels = Readonly<Record<string, string>>;

/**
 * The text of one scrape, written by hand: tens of thousands of lines without an object a line. Families are given one after another, each with all of its
 * samples; one without a sample is left out. Formats: Prometheus' "Exposition formats" page, and OpenMetrics 1.0.
 */
export class Exposition {
  private readonly page: GrowingBytes;
  private header = '';
  private name = '';

  /** `room`: how many bytes it is likely to have. */
  constructor(readonly format: ExpositionFormat = 'text', room = 0) {
    this.page = new GrowingBytes(room);
  }

  /** Begins a family. Its header is written with the first sample. `help` is one line. */
  family(name: string, type: MetricType, help: string): this {
    this.name = name;
    const isCounter = type === 'counter' && name.endsWith('_total');
    // OpenMetrics names a family of counters without the suffix, and knows no counter without it, as cAdvisor has some.
    const family = this.format !== 'text' && isCounter ? name.slice(0, -'_total'.length) : name;
    const shown = this.format !== 'text' && type === 'counter' && !isCounter ? 'unknown' : type;
    this.header = `# HELP ${family} ${help}\n# TYPE ${family} ${shown}\n`;
    return this;
  }

  /** `labels` as `labelText` makes it, for many samples once, and then as bytes; `more` is beside them, not without them. */
  sample(labels: string | Uint8Array, value: number, more = ''): void {
    this.line('', labels, more, value).text('\n');
  }

  histogram(labels: string, { bounds, counts, sum, count, exemplars, sparse }: HistogramData): void {
    let cumulated = 0;
    for (const [index, bound] of [...bounds, Infinity].entries()) {
      cumulated += counts[index] ?? 0;
      const exemplar = this.format === 'text' ? undefined : exemplars[index];
      const le = `le="${bound === Infinity ? '+Inf' : bound}"`;
      this.line('_bucket', labels === '' ? le : labels, labels === '' ? '' : le, cumulated).text(exemplar === undefined ? '\n' : ` # {trace_id="${exemplar.traceId}"} ${exemplar.value} ${exemplar.atSeconds}\n`);
    }
    this.line('_sum', labels, '', sum).text('\n');
    this.line('_count', labels, '', count).text('\n');
    if (sparse && this.format === 'annotated') this.page.text(`${NATIVE}{${labels}} ${JSON.stringify(sparse.data())}\n`);
  }

  /** Families that somebody else has written, in this format. */
  append(families: string): void {
    this.page.text(families);
  }

  /** The whole page. Nothing can be added after it. */
  bytes(): Buffer {
    if (this.format !== 'text') this.page.text('# EOF\n');
    return this.page.all();
  }

  private line(suffix: string, labels: string | Uint8Array, more: string, value: number): GrowingBytes {
    const { page } = this;
    if (this.header !== '') {
      page.text(this.header);
      this.header = '';
    }
    page.text(this.name).text(suffix);
    if (labels.length > 0) {
      page.text('{');
      if (typeof labels === 'string') page.text(labels);
      else page.encoded(labels);
      if (more !== '') page.text(',').text(more);
      page.text('}');
    }
    page.text(' ');
    if (value === Infinity) return page.text('+Inf');
    return value === -Infinity ? page.text('-Inf') : page.number(value);
  }
}

/** `name="web",state="running"`: values may hold anything, names are ours. */
export function labelText(labels: Labels): string {
  let text = '';
  for (const name in labels) text += `${text === '' ? '' : ','}${name}="${escaped(labels[name] ?? '')}"`;
  return text;
}

const escaped = (value: string): string => (/["\\\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value);
