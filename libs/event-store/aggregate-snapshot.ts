import type { Commit, Head } from './event.js';
import type { EventStore } from './event-store.js';
import { SnapshotFile } from './snapshot.js';

export interface AggregateSnapshotOptions<State> {
  /** The file. Its folder exists. */
  readonly path: string;
  /** Version of the state's shape and of what `evolve` makes of events: change it with either. */
  readonly fold: string;
  /** To and from JSON, for a state that is not plain JSON itself. */
  readonly freeze?: (state: State) => unknown;
  readonly thaw?: (frozen: unknown) => State;
}

export interface FoldedAggregate<State> {
  readonly id: string;
  readonly state: State;
  readonly head: Head;
}

interface Frozen {
  readonly lastSubject: string;
  readonly aggregates: readonly (readonly [id: string, sequence: number, hash: string, state: unknown])[];
}

/** The snapshot of all aggregates of one kind. Of no use, and so not loaded, when the log does not hold the newest commit that it folded. */
export class AggregateSnapshot<State> {
  private readonly file: SnapshotFile<Frozen>;

  constructor(private readonly options: AggregateSnapshotOptions<State>) {
    this.file = new SnapshotFile(options.path, options.fold);
  }

  async load(store: EventStore): Promise<{ readonly last: Commit; readonly aggregates: readonly FoldedAggregate<State>[] } | undefined> {
    const { thaw = (frozen: unknown) => frozen as State } = this.options;
    const lastPosition = await store.lastPosition();
    const snapshot = await this.file.load({ lastPosition });
    if (snapshot === undefined) return undefined;
    const { lastSubject, aggregates } = snapshot.data;
    if (aggregates.some(([, sequence]) => sequence > lastPosition)) return undefined;
    const last = (await store.read(lastSubject)).find((commit) => commit.position === snapshot.position);
    if (last === undefined || last.hash !== snapshot.lastHash) return undefined;
    return { last, aggregates: aggregates.map(([id, sequence, hash, state]) => ({ id, head: { sequence, hash }, state: thaw(state) })) };
  }

  async save(last: Commit, aggregates: Iterable<FoldedAggregate<State>>): Promise<void> {
    const { freeze = (state: State) => state } = this.options;
    const frozen = [...aggregates].map(({ id, head, state }) => [id, head.sequence, head.hash, freeze(state)] as const);
    await this.file.save({ position: last.position, lastHash: last.hash, data: { lastSubject: last.subject, aggregates: frozen } });
  }
}
