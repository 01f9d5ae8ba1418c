/** A fold that can be put away. */
export interface Snapshotted {
  /** How far it has read the log. */
  readonly position: number;
  /** Takes the fold as it is at the call. */
  saveSnapshot(): Promise<void>;
}

export interface SnapshotScheduleOptions {
  /** A start replays at most about as many commits: some 100 000 are read a second. */
  readonly everyPositions?: number;
  readonly lookEveryMs?: number;
}

/**
 * Saves the folds of one service together, when the log has grown enough since the last time and at the end. Together, since one may forget what it
 * learns from another. A save that fails is told and tried again next time: a snapshot only saves time.
 */
export class SnapshotSchedule {
  private timer: NodeJS.Timeout | undefined;
  private saved = 0;
  private saving: Promise<void> | undefined;

  constructor(
    private readonly folds: readonly Snapshotted[],
    private readonly onError: (error: unknown) => void,
    private readonly options: SnapshotScheduleOptions = {},
  ) {}

  /** The folds have started. */
  start(): void {
    this.saved = this.position;
    const { lookEveryMs = 10_000 } = this.options;
    this.timer = setInterval(() => void this.saveWhenDue(), lookEveryMs).unref();
  }

  /** Saves when the log has grown by enough; resolves when that is done. */
  async saveWhenDue(): Promise<void> {
    const { everyPositions = 20_000 } = this.options;
    if (this.position - this.saved >= everyPositions) await this.save();
  }

  /** Never rejects. */
  async save(): Promise<void> {
    await this.saving;
    this.saving = this.saveAll();
    await this.saving;
  }

  /** The last save. The folds must not be stopped before. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.save();
  }

  private get position(): number {
    return Math.max(0, ...this.folds.map((fold) => fold.position));
  }

  private async saveAll(): Promise<void> {
    this.saved = this.position;
    const outcomes = await Promise.allSettled(this.folds.map((fold) => fold.saveSnapshot()));
    for (const outcome of outcomes) if (outcome.status === 'rejected') this.onError(outcome.reason);
  }
}
