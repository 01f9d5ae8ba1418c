import type { Commit } from '#libs/event-store/event.js';
import { Fold, type FoldedLog } from '#libs/event-store/fold.js';
import type { Snapshotted } from '#libs/event-store/snapshot-schedule.js';

export interface LogFoldOptions<State> {
  /** NATS subjects with wildcards. */
  readonly filters: readonly string[];
  readonly initial: () => State;
  /** Changes the state that `initial` or `thaw` made. */
  readonly evolve: (state: State, commit: Commit) => void;
  readonly snapshot: {
    readonly path: string;
    /** Version of the state's shape and of what `evolve` makes of events, and what else the state depends on. */
    readonly fold: string;
    readonly freeze: (state: State) => unknown;
    readonly thaw: (frozen: unknown) => State;
  };
}

interface Running<State> {
  readonly fold: Fold;
  state: State;
}

/**
 * A fold of the log that is there once somebody looks at it: the first look reads the log from its snapshot on, later ones wait for what was appended since.
 * An engine that nobody scrapes pays nothing for it.
 */
export class LogFold<State> implements Snapshotted {
  private running: Promise<Running<State>> | undefined;
  private fold: Fold | undefined;

  constructor(
    private readonly store: FoldedLog,
    private readonly options: LogFoldOptions<State>,
  ) {}

  /** The state with all that the log held at the call. Rejects as unavailable when the log is; the next call then tries again, from the snapshot. */
  async read(): Promise<State> {
    const last = await this.store.lastPosition();
    this.running ??= this.begin();
    const running = await this.running;
    await running.fold.waitFor(last);
    return running.state;
  }

  /** 0 while nobody has looked. */
  get position(): number {
    return this.fold?.position ?? 0;
  }

  /** Does nothing while nobody has looked: the old snapshot then stays. */
  async saveSnapshot(): Promise<void> {
    await this.fold?.saveSnapshot();
  }

  async stop(): Promise<void> {
    const running = this.running;
    this.running = undefined;
    this.fold = undefined;
    await (await running?.catch(() => undefined))?.fold.stop();
  }

  private begin(): Promise<Running<State>> {
    const { filters, initial, evolve, snapshot } = this.options;
    const { path, fold: version, freeze, thaw } = snapshot;
    const made: Running<State> = {
      state: initial(),
      fold: new Fold(this.store, {
        filters,
        see: (commit) => evolve(made.state, commit),
        snapshot: { path, fold: version, freeze: () => freeze(made.state), thaw: (frozen) => void (made.state = thaw(frozen)) },
      }),
    };
    const running = made.fold.start().then(() => {
      if (this.running === running) this.fold = made.fold;
      void made.fold.ended.then(() => this.forget(running));
      return made;
    });
    running.catch(() => this.forget(running));
    return running;
  }

  private forget(ended: Promise<unknown>): void {
    if (this.running !== ended) return;
    this.running = undefined;
    this.fold = undefined;
  }
}
