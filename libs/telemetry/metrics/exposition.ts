import type { HistogramData } from './histogram.js';

export type MetricType = 'counter' | 'gauge' | 'histogram';

/** 'text' is Prometheus' format 0.0.4; 'openmetrics' alone can carry exemplars. */
export type ExpositionFormat = 'text' | 'openmetrics';

export type Labels = Readonly<Record<string, string>>;

/**
 * The text of one scrape, written by hand: tens of thousands of lines without an object a line. Families are given one after another, each with all of its
 * samples; one without a sample is left out. Formats: Prometheus' "Exposition formats" page, and OpenMetrics 1.0.
 */
export class Exposition {
  private written = '';
  private header = '';
  private name = '';

  constructor(readonly format: ExpositionFormat = 'text') {}

  /** Begins a family. Its header is written with the first sample. `help` is one line. */
  family(name: string, type: MetricType, help: string): this {
    this.name = name;
    const isCounter = type === 'counter' && name.endsWith('_total');
    // OpenMetrics names a family of counters without the suffix, and knows no counter without it, as cAdvisor has some.
    const family = this.format === 'openmetrics' && isCounter ? name.slice(0, -'_total'.length) : name;
    const shown = this.format === 'openmetrics' && type === 'counter' && !isCounter ? 'unknown' : type;
    this.header = `# HELP ${family} ${help}\n# TYPE ${family} ${shown}\n`;
    return this;
  }

  /** `labels` as `labelText` makes it: for many samples it is made once. */
  sample(labels: string, value: number): void {
    this.line(this.name, labels, value, '\n');
  }

  histogram(labels: string, { bounds, counts, sum, count, exemplars }: HistogramData): void {
    const before = labels === '' ? '' : `${labels},`;
    let cumulated = 0;
    for (const [index, bound] of [...bounds, Infinity].entries()) {
      cumulated += counts[index] ?? 0;
      const exemplar = this.format === 'openmetrics' ? exemplars[index] : undefined;
      const end = exemplar === undefined ? '\n' : ` # {trace_id="${exemplar.traceId}"} ${exemplar.value} ${exemplar.atSeconds}\n`;
      this.line(`${this.name}_bucket`, `${before}le="${bound === Infinity ? '+Inf' : bound}"`, cumulated, end);
    }
    this.line(`${this.name}_sum`, labels, sum, '\n');
    this.line(`${this.name}_count`, labels, count, '\n');
  }

  /** Families that somebody else has written, in this format. */
  append(families: string): void {
    this.written += families;
  }

  /** The whole page. Nothing can be added after it. */
  text(): string {
    return this.format === 'openmetrics' ? `${this.written}# EOF\n` : this.written;
  }

  private line(name: string, labels: string, value: number, end: string): void {
    if (this.header !== '') {
      this.written += this.header;
      this.header = '';
    }
    this.written += (labels === '' ? name : `${name}{${labels}}`) + ' ' + numberText(value) + end;
  }
}

/** `name="web",state="running"`: values may hold anything, names are ours. */
export function labelText(labels: Labels): string {
  let text = '';
  for (const name in labels) text += `${text === '' ? '' : ','}${name}="${escaped(labels[name] ?? '')}"`;
  return text;
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

const escaped = (value: string): string => (/["\\\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value);
