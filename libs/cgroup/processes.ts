import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAway } from './kept-files.js';

/**
 * The processes in one cgroup's directory and below, each once, as pids of the reader's namespace. A cgroup that is gone has none. The kernel may list a process that moves
 * meanwhile twice, also when it stays where it is and a controller is enabled for its cgroup (admin-guide/cgroup-v2, "Processes").
 */
export function processesOf(directory: string): readonly number[] {
  return [...new Set(listed(directory))];
}

function listed(directory: string): readonly number[] {
  try {
    const own = readFileSync(join(directory, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean).map(Number);
    const below = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [...own, ...below.flatMap(({ name }) => listed(join(directory, name)))];
  } catch (error) {
    if (isAway(error)) return [];
    throw error;
  }
}
