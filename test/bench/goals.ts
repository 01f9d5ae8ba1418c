export type Verdict = 'met' | 'missed' | 'not measured';

/** What a row is to come to. */
export interface Goal {
  readonly text: string;
  readonly judge: (berth: number, dockerd: number | undefined) => Verdict;
}

const verdict = (isMet: boolean): Verdict => (isMet ? 'met' : 'missed');
const partOfDockerd = (part: number): Goal => ({
  text: `≤ 1/${part} of dockerd`,
  judge: (berth, dockerd) => (dockerd === undefined ? 'not measured' : verdict(berth <= dockerd / part)),
});
const atMost = (most: number, unit: string): Goal => ({ text: `≤ ${most} ${unit}`, judge: (berth) => verdict(berth <= most) });
const atLeast = (least: number, unit: string): Goal => ({ text: `≥ ${least.toLocaleString('en')} ${unit}`, judge: (berth) => verdict(berth >= least) });

const GOALS: readonly (readonly [RegExp, Goal])[] = [
  [/^(bridge|none): sum$/, partOfDockerd(15)],
  [/^bridge: times the bare C figure and its appends, ×$/, atMost(6, '×')],
  [/^exec true$/, partOfDockerd(8)],
  [/^\d+ started at once$/, partOfDockerd(7)],
  [/^ps -a with \d+$/, partOfDockerd(3)],
  [/^memory per idle container, MiB$/, atMost(0.5, 'MiB')],
  [/^memory idle, MiB$/, atMost(220, 'MiB')],
  [/^memory grown by [\d,]+ containers, MiB$/, atMost(10, 'MiB')],
  [/^replay, commits\/s$/, atLeast(100_000, '/s')],
];

export const goalOf = (row: string): Goal | undefined => GOALS.find(([pattern]) => pattern.test(row))?.[1];
