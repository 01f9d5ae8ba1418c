import type { Commit } from './event.js';
import type { EventStore, Following } from './event-store.js';
import { SnapshotFile } from './snapshot.js';

/** What a fold uses of the log. */
export type FoldedLog = Pick<EventStore, 'follow' | 'lastPosition' | 'commitAt'>;

/** A read model: what it makes of commits, and how it is put away and taken up again. */
export interface FoldOptions {
  /** NATS subjects with wildcards. */
  readonly filters: readonly string[];
  /** `live`: false for what is replayed in `start`. What it throws ends the fold. */
  readonly see: (commit: Commit, live: boolean) => void;
  readonly snapshot?: FoldSnapshotOptions;
}

export interface FoldSnapshotOptions {
  /** The file. Its folder is made where it is missing. */
  readonly path: string;
  /** Version of the data's shape and of what `see` makes of events: change it with either. */
  readonly fold: string;
  readonly freeze: () => unknown;
  /** False: it does not fit, and is left aside. */
  readonly thaw: (frozen: unknown) => unknown;
}

/** Keeps a read model up to date with the log, from its snapshot where there is one. One `start`, then `stop`. */
export class Fold {
  private readonly file: SnapshotFile<unknown> | undefined;
  private following: Following | undefined;
  private live = false;

  constructor(
    private readonly store: FoldedLog,
    private readonly options: FoldOptions,
  ) {
    const { snapshot } = options;
    this.file = snapshot && new SnapshotFile(snapshot.path, snapshot.fold);
  }

  /** Resolves once all is folded that the log held at the call. `after`: all up to there is folded already, and only a newer snapshot is of use. */
  async start(after = 0): Promise<void> {
    const { filters, see, snapshot } = this.options;
    const loaded = await this.file?.load(this.store);
    const isTaken = loaded !== undefined && loaded.position > after && snapshot?.thaw(loaded.data) !== false;
    this.following = await this.store.follow(filters, isTaken ? loaded.position : after, (commit) => see(commit, this.live));
    this.live = true;
  }

  /** All up to here is folded. */
  get position(): number {
    return this.following?.position ?? 0;
  }

  /** Resolves when there is no following any more, with what ended it. Only after `start`. */
  get ended(): Promise<unknown> {
    return this.following?.ended ?? Promise.resolve();
  }

  /** Resolves once all up to `position` is folded. */
  async waitFor(position: number): Promise<void> {
    await this.following?.waitFor(position);
  }

  /** `position`: of the snapshot, where a fold is to see again what comes after it. */
  async saveSnapshot(position = this.position): Promise<void> {
    await this.file?.save(this.store, { position, data: this.options.snapshot?.freeze() });
  }

  async stop(): Promise<void> {
    await this.following?.stop();
  }
}
