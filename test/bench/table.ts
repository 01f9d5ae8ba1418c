import type { Row } from './comparison.js';

const HEAD = ['median', 'unit'];

/** Rows for people: who was measured side by side, Berth's ratio to dockerd, the goal and whether it is met. */
export function table(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap(({ medians }) => Object.keys(medians)))].toSorted((one, other) => place(one) - place(other));
  const lines = [
    [...HEAD, ...names, 'ratio', 'goal', ''],
    ...rows.map(({ name, unit, medians, ratio, goal, verdict }) => [
      name.replace(/, [^ ,]+$/, ''), unit, ...names.map((who) => shown(medians[who])), ratio === undefined ? '' : ratio.toFixed(3), goal?.text ?? '', verdict ?? '',
    ]),
  ];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  const isNumber = (column: number): boolean => column >= HEAD.length && column < HEAD.length + names.length + 1;
  return lines.map((line) => line.map((cell, column) => (isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd()).join('\n');
}

/** Who the ratio is of stand first; the others as they come. */
const place = (name: string): number => (name === 'berth' ? 0 : name.startsWith('dockerd') ? 1 : 2);

function shown(value: number | undefined): string {
  if (value === undefined) return '';
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(value < 10 ? 2 : 1);
}
