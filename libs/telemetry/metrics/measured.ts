import { parseTraceparent } from '../trace-context.js';
import type { Exposition, Labels } from './exposition.js';
import { labelText } from './exposition.js';
import { DEFAULT_BOUNDS, Histogram } from './histogram.js';

/** A counter with labels: what a process counts of its own work, from its start on. */
export class Counter {
  private readonly values = new Map<string, number>();

  constructor(
    private readonly name: string,
    private readonly help: string,
  ) {}

  add(labels: Labels, amount = 1): void {
    const key = labelText(labels);
    this.values.set(key, (this.values.get(key) ?? 0) + amount);
  }

  write(out: Exposition): void {
    out.family(this.name, 'counter', this.help);
    for (const [labels, value] of this.values) out.sample(labels, value);
  }
}

/** A histogram with labels: what a process measures of its own work, from its start on. Label values are few and known. */
export class Timer {
  private readonly histograms = new Map<string, Histogram>();

  /** `known`: labels that are shown before anything was measured, so that a rate over them is never empty. */
  constructor(
    private readonly name: string,
    private readonly help: string,
    known: readonly Labels[] = [],
    private readonly bounds: readonly number[] = DEFAULT_BOUNDS,
  ) {
    for (const labels of known) this.of(labels);
  }

  /** Seconds. */
  observe(labels: Labels, seconds: number, traceId?: string): void {
    this.of(labels).observe(seconds, traceId === undefined ? undefined : { traceId, atSeconds: Date.now() / 1000 });
  }

  /** Measures `work` when it goes well. */
  async time<T>(labels: Labels, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await work();
    this.observe(labels, (performance.now() - start) / 1000);
    return result;
  }

  write(out: Exposition): void {
    out.family(this.name, 'histogram', this.help);
    for (const [labels, histogram] of this.histograms) out.histogram(labels, histogram);
  }

  private of(labels: Labels): Histogram {
    const key = labelText(labels);
    const known = this.histograms.get(key);
    if (known) return known;
    const histogram = new Histogram(this.bounds);
    this.histograms.set(key, histogram);
    return histogram;
  }
}

/** The trace of a W3C traceparent, when it is one that is recorded. */
export function sampledTrace(traceparent: string | undefined): string | undefined {
  const context = parseTraceparent(traceparent);
  return context?.sampled ? context.traceId : undefined;
}
