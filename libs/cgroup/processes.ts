import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAway } from './kept-files.js';

/** The processes in one cgroup's directory and below, as pids of the reader's namespace. A cgroup that is gone has none. */
export function processesOf(directory: string): readonly number[] {
  try {
    const own = readFileSync(join(directory, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean).map(Number);
    const below = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [...own, ...below.flatMap(({ name }) => processesOf(join(directory, name)))];
  } catch (error) {
    if (isAway(error)) return [];
    throw error;
  }
}
