/** Bounds grow by the eighth root of two: what is told of a value is right to a twenty-fifth of it. */
export const SCHEMA = 3;
const BUCKETS_AN_OCTAVE = 2 ** SCHEMA;
/** What is not above it counts as zero. */
export const ZERO_THRESHOLD = 2 ** -128;

/** Plain data of sparse buckets: each bucket's index and count, those that are empty left out. */
export interface SparseData {
  readonly zeros: number;
  readonly counts: readonly (readonly [number, number])[];
}

/**
 * Counts by exponential buckets, of which only those that hold something are there, as Prometheus' native histograms have them: bucket i is of the values above 2^((i-1)/8),
 * up to 2^(i/8). (Source: Prometheus' "Native Histograms" specification.)
 */
export class SparseBuckets {
  private zeros = 0;
  private readonly byIndex = new Map<number, number>();

  static from({ zeros, counts }: SparseData): SparseBuckets {
    const buckets = new SparseBuckets();
    buckets.zeros = zeros;
    for (const [index, count] of counts) buckets.byIndex.set(index, count);
    return buckets;
  }

  observe(value: number): void {
    if (value <= ZERO_THRESHOLD) {
      this.zeros++;
      return;
    }
    const index = Math.ceil(Math.log2(value) * BUCKETS_AN_OCTAVE);
    this.byIndex.set(index, (this.byIndex.get(index) ?? 0) + 1);
  }

  /** By growing index. */
  data(): SparseData {
    return { zeros: this.zeros, counts: [...this.byIndex].sort(([one], [other]) => one - other) };
  }
}
