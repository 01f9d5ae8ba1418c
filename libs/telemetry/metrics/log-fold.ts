import type { Commit } from '#libs/event-store/event.js';
import type { EventStore, Following } from '#libs/event-store/event-store.js';

/**
 * A fold of the log that is there once somebody looks at it: the first look reads the log from its beginning, later ones wait for what was appended since.
 * An engine that nobody scrapes pays nothing for it.
 */
export class LogFold<State> {
  private running: Promise<{ state: State; following: Following }> | undefined;

  /** `evolve` changes the state that `initial` made. */
  constructor(
    private readonly store: Pick<EventStore, 'follow' | 'lastPosition'>,
    private readonly filters: readonly string[],
    private readonly initial: () => State,
    private readonly evolve: (state: State, commit: Commit) => void,
  ) {}

  /** The state with all that the log held at the call. Rejects as unavailable when the log is; the next call then tries again, from the beginning. */
  async read(): Promise<State> {
    const last = await this.store.lastPosition();
    this.running ??= this.begin();
    const { state, following } = await this.running;
    await following.waitFor(last);
    return state;
  }

  async stop(): Promise<void> {
    const running = this.running;
    this.running = undefined;
    await (await running?.catch(() => undefined))?.following.stop();
  }

  private begin(): Promise<{ state: State; following: Following }> {
    const state = this.initial();
    const running = this.store.follow(this.filters, 0, (commit) => this.evolve(state, commit)).then((following) => {
      void following.ended.then(() => this.forget(running));
      return { state, following };
    });
    running.catch(() => this.forget(running));
    return running;
  }

  private forget(ended: Promise<unknown>): void {
    if (this.running === ended) this.running = undefined;
  }
}
