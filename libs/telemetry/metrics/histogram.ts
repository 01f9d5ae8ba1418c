import { SparseBuckets, type SparseData } from './sparse-buckets.js';

/** What a histogram holds: counts beside each bound, the last one above all of them. Plain data, so that a fold of events can keep it. */
export interface HistogramData {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
  /** The newest observation of each bucket that belongs to a trace. */
  readonly exemplars: readonly (Exemplar | undefined)[];
  /** Of one that is shown as a native histogram too. */
  readonly sparse?: SparseBuckets | undefined;
}

export interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  /** Since 1970. */
  readonly atSeconds: number;
}

/** A histogram that went through JSON. */
export interface FrozenHistogram extends Omit<HistogramData, 'exemplars' | 'sparse'> {
  readonly sparse?: SparseData | undefined;
  readonly exemplars: readonly (Exemplar | undefined | null)[];
}

/** The bounds that Prometheus' clients take when nobody says otherwise, and dockerd with them. Seconds. */
export const DEFAULT_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** Of parts of a container's start, which are much shorter. Seconds. */
export const FINE_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const;

/** A histogram that grows by observations. */
export class Histogram implements HistogramData {
  readonly counts: number[];
  readonly exemplars: (Exemplar | undefined)[];
  sum = 0;
  count = 0;

  constructor(
    readonly bounds: readonly number[] = DEFAULT_BOUNDS,
    readonly sparse?: SparseBuckets,
  ) {
    this.counts = new Array<number>(bounds.length + 1).fill(0);
    this.exemplars = new Array<undefined>(bounds.length + 1).fill(undefined);
  }

  /** One that goes on from what was kept as JSON, where no exemplar is null. */
  static from({ bounds, counts, exemplars, sum, count, sparse }: FrozenHistogram): Histogram {
    const histogram = new Histogram(bounds, sparse && SparseBuckets.from(sparse));
    counts.forEach((value, index) => (histogram.counts[index] = value));
    exemplars.forEach((exemplar, index) => (histogram.exemplars[index] = exemplar ?? undefined));
    [histogram.sum, histogram.count] = [sum, count];
    return histogram;
  }

  /** As plain data, to be kept as JSON. */
  freeze(): FrozenHistogram {
    const { bounds, counts, exemplars, sum, count, sparse } = this;
    return { bounds, counts, exemplars, sum, count, ...(sparse ? { sparse: sparse.data() } : {}) };
  }

  /** A value below zero, as clocks that were set make it, counts as zero. */
  observe(value: number, exemplar?: { readonly traceId: string; readonly atSeconds: number }): void {
    const observed = Math.max(0, value);
    const above = this.bounds.findIndex((bound) => observed <= bound);
    const index = above < 0 ? this.bounds.length : above;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sum += observed;
    this.count++;
    this.sparse?.observe(observed);
    if (exemplar) this.exemplars[index] = { ...exemplar, value: observed };
  }
}
