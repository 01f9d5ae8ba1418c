import { setTimeout as delay } from 'node:timers/promises';
import { type Goal, goalOf, type Verdict } from './goals.js';
import { isDockerd } from './subject.js';

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
  /** Berth's by each dockerd's, by the dockerd's name. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly goal?: Goal;
  /** Of a goal that compares, by the dockerd's name; of another one by "berth". Empty where there is no goal. */
  readonly verdicts: Readonly<Record<string, Verdict>>;
}

/** All of them leave something for later (trees to take off the disk, links that the kernel removes): it is not to be in the next one's figures. */
const SETTLE_MS = 300;

/** The first so many of a warm-up are rows of their own. */
const COLD = 20;

export interface Rounds {
  readonly rounds: number;
  /** How often each does its work before that, one after the other. */
  readonly warmUp?: number;
  readonly settleMs?: number;
}

/**
 * Every one does its work `rounds` times, in turn, after one round that does not count unless it is the only one. What the first twenty of a warm-up took has rows
 * that begin with "cold: ". Rejects when `signal` aborts or work fails.
 */
export async function compare(turns: readonly Turn[], { rounds, warmUp = 0, settleMs = SETTLE_MS }: Rounds, signal: AbortSignal): Promise<Row[]> {
  const samples = new Map<string, Map<string, number[]>>();
  const keep = (who: string, row: string, value: number): void => {
    const own = samples.get(row) ?? new Map<string, number[]>();
    samples.set(row, own.set(who, [...(own.get(who) ?? []), value]));
  };
  for (const { name, perform } of turns) {
    for (let done = 0; done < warmUp; done++) {
      signal.throwIfAborted();
      const figures = await perform();
      if (done < COLD) for (const [row, value] of figures) keep(name, `cold: ${row}`, value);
    }
  }
  for (let round = rounds === 1 ? 1 : 0; round <= rounds; round++) {
    // Who goes first changes: the next one of a round finds a warmer machine.
    const first = round % turns.length;
    for (const { name, perform } of [...turns.slice(first), ...turns.slice(0, first)]) {
      await delay(settleMs, undefined, { signal }).catch(() => signal.throwIfAborted());
      const figures = await perform();
      if (round === 0) continue;
      for (const [row, value] of figures) keep(name, row, value);
    }
  }
  return [...samples].map(([name, own]) => rowOf(name, Object.fromEntries([...own].map(([who, values]) => [who, median(values)]))));
}

/** The row with what follows from its medians. Rows' names end in their unit where it is not milliseconds: "logs written, MB/s". */
export function rowOf(name: string, medians: Readonly<Record<string, number>>): Row {
  const berth = medians['berth'];
  const dockerds = Object.entries(medians).filter(([who]) => isDockerd(who));
  const goal = goalOf(name);
  const judge = (): Record<string, Verdict> => {
    if (goal === undefined || berth === undefined) return {};
    if (goal.compares) return Object.fromEntries(dockerds.map(([who, dockerd]) => [who, goal.judge(berth, dockerd)]));
    return { berth: goal.judge(berth) };
  };
  return {
    name,
    unit: /, ([^ ,]+)$/.exec(name)?.[1] ?? 'ms',
    medians,
    ratios: berth === undefined ? {} : Object.fromEntries(dockerds.map(([who, dockerd]) => [who, berth / dockerd])),
    ...(goal ? { goal } : {}),
    verdicts: judge(),
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
