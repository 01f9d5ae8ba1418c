const NANOSECONDS_A_SECOND = 1_000_000_000n;
const LARGEST_ERROR_NS = 5_000_000n;

/** Now, by the clock that all processes of a machine share and that no one sets: CLOCK_MONOTONIC, in nanoseconds. */
export const monotonicNow = (): bigint => process.hrtime.bigint();

/** Real time, to the microsecond, at monotonic 0. Date.now() counts whole milliseconds: the moment at which it moves on is exact. */
function measureOffset(): bigint {
  const before = Date.now();
  let after = before;
  while (after === before) after = Date.now(); // a millisecond at most
  return BigInt(after) * 1_000_000n - monotonicNow();
}

/** Monotonic times as real ones, so that spans of several processes lie right beside each other. */
export class RealTime {
  private offset = measureOffset();

  /** Seconds and nanoseconds since 1970. */
  at(monotonic: bigint): [seconds: number, nanoseconds: number] {
    const time = monotonic + this.offset;
    return [Number(time / NANOSECONDS_A_SECOND), Number(time % NANOSECONDS_A_SECOND)];
  }

  /** Where the clock was set meanwhile, the new time counts. To be called now and then, as at the beginning of a trace. */
  check(): void {
    const error = BigInt(Date.now()) * 1_000_000n - (monotonicNow() + this.offset);
    if (error > LARGEST_ERROR_NS || error < -LARGEST_ERROR_NS) this.offset = measureOffset();
  }
}
