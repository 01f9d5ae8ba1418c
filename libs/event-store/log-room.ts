const MIB = 1 << 20;
/** Some 4 KB stop and remove a container. */
const MOST_RESERVED = 64 * MIB;
/** With less than this left a second's commits could take it all: it is looked at before each. */
const NEAR = 64 * MIB;
const LOOK_EVERY_MS = 1_000;

/** Of what the log may grow to, what only commits that end something get. */
export const reservedBytes = (limit: number): number => Math.min(limit / 8, MOST_RESERVED);

/**
 * The room that the log has below its limit. nats-server refuses what comes at the limit, whatever it is: not even a stop or an exit would be taken. So what begins something is refused earlier,
 * and what ends something has the rest.
 */
export class LogRoom {
  private looked = -Infinity;
  private left = 0;

  /** `size`: the bytes that the log takes. */
  constructor(
    private readonly limit: number,
    private readonly size: () => Promise<number>,
  ) {}

  /** Whether what begins something would take of the reserve. Rejects where the log does not answer and may be near its limit. */
  async isReserved(): Promise<boolean> {
    if (this.left < NEAR) await this.look();
    else if (performance.now() - this.looked > LOOK_EVERY_MS) void this.look().catch(() => undefined); // asked again with the next commit
    return this.left <= 0;
  }

  private async look(): Promise<void> {
    this.looked = performance.now();
    this.left = this.limit - reservedBytes(this.limit) - (await this.size());
  }
}
