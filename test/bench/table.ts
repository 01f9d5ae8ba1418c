import type { Row } from './comparison.js';
import { isDockerd } from './subject.js';

/** Rows for people: who was measured side by side, Berth's ratio to each dockerd, the goal and whether it is met, against each where it compares. */
export function table(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap(({ medians }) => Object.keys(medians)))].toSorted((one, other) => place(one) - place(other));
  const dockerds = names.filter(isDockerd);
  const lines = [
    ['median', 'unit', ...names, ...dockerds.map((name) => `/ ${versionOf(name)}`), 'goal', ''],
    ...rows.map(({ name, unit, medians, ratios, goal, verdicts }) => [
      name.replace(/, [^ ,]+$/, ''), unit, ...names.map((who) => shown(medians[who])), ...dockerds.map((who) => ratios[who]?.toFixed(3) ?? ''), goal?.text ?? '', outcome(verdicts),
    ]),
  ];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  const isNumber = (column: number): boolean => column >= 2 && column < 2 + names.length + dockerds.length;
  return lines.map((line) => line.map((cell, column) => (isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd()).join('\n');
}

/** "met", or against whom it is: "28.5.2 met, 20.10.24 missed". */
const outcome = (verdicts: Row['verdicts']): string => Object.entries(verdicts).map(([who, verdict]) => (isDockerd(who) ? `${versionOf(who)} ${verdict}` : verdict)).join(', ');

const versionOf = (dockerd: string): string => dockerd.slice(dockerd.indexOf(' ') + 1);

/** Those that the ratios are of stand first; the others as they come. */
const place = (name: string): number => (name === 'berth' ? 0 : isDockerd(name) ? 1 : 2);

function shown(value: number | undefined): string {
  if (value === undefined) return '';
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(value < 10 ? 2 : 1);
}
