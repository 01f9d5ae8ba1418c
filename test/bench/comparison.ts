import { type Goal, goalOf, type Verdict } from './goals.js';

/** What one round measured: the name of a row, and its number in that row's unit. */
export type Figures = ReadonlyMap<string, number>;

/** One who does the work, by its own name. Leaves nothing behind. */
export interface Turn {
  readonly name: string;
  readonly perform: () => Promise<Figures>;
}

export interface Row {
  readonly name: string;
  readonly unit: string;
  /** Medians over the rounds, by who was measured. */
  readonly medians: Readonly<Record<string, number>>;
  /** Berth's by dockerd's, where both were measured. */
  readonly ratio?: number;
  readonly goal?: Goal;
  readonly verdict?: Verdict;
}

/** Every one does its work `rounds` times, in turn, after one round that does not count unless it is the only one. Rejects when `signal` aborts or work fails. */
export async function compare(turns: readonly Turn[], rounds: number, signal: AbortSignal): Promise<Row[]> {
  const samples = new Map<string, Map<string, number[]>>();
  for (let round = rounds === 1 ? 1 : 0; round <= rounds; round++) {
    // Who goes first changes: the next one of a round finds a warmer machine.
    const first = round % turns.length;
    for (const { name, perform } of [...turns.slice(first), ...turns.slice(0, first)]) {
      signal.throwIfAborted();
      const figures = await perform();
      if (round === 0) continue;
      for (const [row, value] of figures) {
        const own = samples.get(row) ?? new Map<string, number[]>();
        samples.set(row, own.set(name, [...(own.get(name) ?? []), value]));
      }
    }
  }
  return [...samples].map(([name, own]) => rowOf(name, Object.fromEntries([...own].map(([who, values]) => [who, median(values)]))));
}

/** The row with what follows from its medians. Rows' names end in their unit where it is not milliseconds: "logs written, MB/s". */
export function rowOf(name: string, medians: Readonly<Record<string, number>>): Row {
  const berth = medians['berth'];
  const dockerd = Object.entries(medians).find(([who]) => who.startsWith('dockerd'))?.[1];
  const goal = goalOf(name);
  const unit = /, ([^ ,]+)$/.exec(name)?.[1] ?? 'ms';
  return {
    name,
    unit,
    medians,
    ...(berth !== undefined && dockerd !== undefined ? { ratio: berth / dockerd } : {}),
    ...(goal && berth !== undefined ? { goal, verdict: goal.judge(berth, dockerd) } : {}),
  };
}

/** Throws RangeError for no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) throw new RangeError('no values have no median');
  return (upper + lower) / 2;
}
