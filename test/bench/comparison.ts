import type { Subject } from './subject.js';
import type { Work } from './work.js';

export interface Row {
  readonly step: string;
  /** Medians in milliseconds, by the name of the engine. */
  readonly medians: Readonly<Record<string, number>>;
  /** The first engine's median by the second's: below 1 the first is faster. */
  readonly ratio: number;
}

/** Does `work` `rounds` times on each of both engines in turn, after one round that does not count. Rejects when `signal` aborts or work fails. */
export async function compare(subjects: readonly [Subject, Subject], work: Work, rounds: number, signal: AbortSignal): Promise<Row[]> {
  const samples = new Map(subjects.map(({ name }) => [name, new Map<string, number[]>()]));
  for (let round = 0; round <= rounds; round++) {
    // Who goes first changes: the second of a round finds a warmer machine.
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      signal.throwIfAborted();
      const timings = await work(subject);
      if (round === 0) continue;
      const own = samples.get(subject.name);
      for (const [step, ms] of timings) own?.set(step, [...(own.get(step) ?? []), ms]);
    }
  }
  const [first, second] = subjects.map(({ name }) => samples.get(name) ?? new Map<string, number[]>());
  return [...(first?.keys() ?? [])].map((step) => {
    const a = median(first?.get(step) ?? []);
    const b = median(second?.get(step) ?? []);
    return { step, medians: { [subjects[0].name]: a, [subjects[1].name]: b }, ratio: a / b };
  });
}

/** Throws RangeError for no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) throw new RangeError('no values have no median');
  return (upper + lower) / 2;
}

/** Rows as text for people: medians in ms, and the ratio. */
export function table(rows: readonly Row[]): string {
  const names = Object.keys(rows[0]?.medians ?? {});
  const lines = [
    ['median, ms', ...names, 'ratio'],
    ...rows.map((row) => [row.step, ...names.map((name) => (row.medians[name] ?? NaN).toFixed(1)), row.ratio.toFixed(2)]),
  ];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return lines.map((line) => line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart((widths[column] ?? 0) + 2))).join('')).join('\n');
}
