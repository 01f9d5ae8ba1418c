export type Verdict = 'met' | 'missed';

/** What a row is to come to: against each dockerd that was measured, or by itself. */
export type Goal =
  | { readonly text: string; readonly compares: true; readonly judge: (berth: number, dockerd: number) => Verdict }
  | { readonly text: string; readonly compares: false; readonly judge: (berth: number) => Verdict };

const verdict = (isMet: boolean): Verdict => (isMet ? 'met' : 'missed');
const partOfDockerd = (part: number): Goal => ({ text: `≤ 1/${part} of dockerd`, compares: true, judge: (berth, dockerd) => verdict(berth <= dockerd / part) });
const atMost = (most: number, unit: string): Goal => ({ text: `≤ ${most} ${unit}`, compares: false, judge: (berth) => verdict(berth <= most) });
const atLeast = (least: number, unit: string): Goal => ({ text: `≥ ${least.toLocaleString('en')} ${unit}`, compares: false, judge: (berth) => verdict(berth >= least) });

const GOALS: readonly (readonly [RegExp, Goal])[] = [
  [/^(bridge|none): sum$/, partOfDockerd(15)],
  [/^bridge: times the bare C figure and its appends, ×$/, atMost(6, '×')],
  [/^exec true$/, partOfDockerd(8)],
  [/^\d+ started at once$/, partOfDockerd(7)],
  [/^ps -a with \d+$/, partOfDockerd(3)],
  [/^memory per idle container, MiB$/, atMost(0.5, 'MiB')],
  [/^memory idle(?: after [\d,]+ containers)?, MiB$/, atMost(220, 'MiB')],
  [/^memory grown by [\d,]+ containers, MiB$/, atMost(10, 'MiB')],
  [/^replay, commits\/s$/, atLeast(100_000, '/s')],
];

export const goalOf = (row: string): Goal | undefined => GOALS.find(([pattern]) => pattern.test(row))?.[1];
