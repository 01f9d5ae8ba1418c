import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Answer } from './answers.js';

const fileOf = (group: string): string => fileURLToPath(new URL(`../../../test/conformance/golden/${group}.json`, import.meta.url));

/** dockerd's answers of one group, normalised, as they were last taken. */
export function readGolden(group: string): ReadonlyMap<string, Answer> {
  return new Map(Object.entries(JSON.parse(readFileSync(fileOf(group), 'utf8')) as Record<string, Answer>));
}

export function writeGolden(group: string, answers: ReadonlyMap<string, Answer>): void {
  writeFileSync(fileOf(group), `${JSON.stringify(Object.fromEntries(answers), undefined, 1)}\n`);
}
