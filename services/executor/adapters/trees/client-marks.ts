/** Milliseconds of the clock that all threads of a process share (CLOCK_MONOTONIC). */
const now = (): number => Number(process.hrtime.bigint() / 1_000_000n);

/** Since when a transfer waits for its client. Memory that the thread that works and the one that looks share: a byte is told of without a message. */
export class ClientMarks {
  /** NaN: it is the engine that works. */
  private readonly since: Float64Array<SharedArrayBuffer>;

  private constructor(readonly memory: SharedArrayBuffer) {
    this.since = new Float64Array(memory);
  }

  static fresh(): ClientMarks {
    const marks = new ClientMarks(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT));
    marks.goesOn();
    return marks;
  }

  /** Those of another thread. */
  static of(memory: SharedArrayBuffer): ClientMarks {
    return new ClientMarks(memory);
  }

  /** For how many milliseconds; undefined: it is the engine that works. */
  get idleMs(): number | undefined {
    const since = this.since[0] ?? NaN;
    return Number.isNaN(since) ? undefined : now() - since;
  }

  waitsForClient(): void {
    this.since[0] = now();
  }

  goesOn(): void {
    this.since[0] = NaN;
  }
}
