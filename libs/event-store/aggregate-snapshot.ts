import type { Head } from './event.js';
import { SnapshotFile, type SnapshottedLog } from './snapshot.js';

export interface AggregateSnapshotOptions<State> {
  /** The file. Its folder is made where it is missing. */
  readonly path: string;
  /** Version of the state's shape and of what `evolve` makes of events: change it with either. */
  readonly fold: string;
  /** To and from JSON, for a state that is not plain JSON itself. */
  readonly freeze?: (state: State) => unknown;
  readonly thaw?: (frozen: unknown) => State;
  /** What a listener made of the commits, which it will not hear again: saved and given back with the states. */
  readonly beside?: { readonly freeze: () => unknown; readonly thaw: (frozen: unknown) => void };
}

export interface FoldedAggregate<State> {
  readonly id: string;
  readonly state: State;
  readonly head: Head;
}

interface Frozen {
  readonly aggregates: readonly (readonly [id: string, sequence: number, hash: string, state: unknown])[];
  readonly beside: unknown;
}

/** The snapshot of all aggregates of one kind. */
export class AggregateSnapshot<State> {
  private readonly file: SnapshotFile<Frozen>;

  constructor(private readonly options: AggregateSnapshotOptions<State>) {
    this.file = new SnapshotFile(options.path, options.fold);
  }

  /** Undefined when it is not one of this log: see SnapshotFile. */
  async load(log: SnapshottedLog): Promise<{ readonly position: number; readonly aggregates: readonly FoldedAggregate<State>[] } | undefined> {
    const { thaw = (frozen: unknown) => frozen as State, beside } = this.options;
    const snapshot = await this.file.load(log);
    if (snapshot === undefined) return undefined;
    const { position, data } = snapshot;
    // An own commit is folded when it is acknowledged, before the reader of the log comes to it: such a head lies behind the position, and is proven by itself.
    for (const [, sequence, hash] of data.aggregates) if (sequence > position && (await log.commitAt(sequence))?.hash !== hash) return undefined;
    const aggregates = data.aggregates.map(([id, sequence, hash, state]) => ({ id, head: { sequence, hash }, state: thaw(state) }));
    beside?.thaw(data.beside);
    return { position, aggregates };
  }

  /** All states as they are at the call. */
  async save(log: SnapshottedLog, position: number, aggregates: Iterable<FoldedAggregate<State>>): Promise<void> {
    const { freeze = (state: State) => state, beside } = this.options;
    const frozen = Array.from(aggregates, ({ id, head, state }) => [id, head.sequence, head.hash, freeze(state)] as const);
    await this.file.save(log, { position, data: { aggregates: frozen, beside: beside?.freeze() } });
  }
}
