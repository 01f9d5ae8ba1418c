import { readFileSync, writeFileSync } from 'node:fs';
import { errorMessage, internal } from '#libs/errors/errors.js';
import type { CgroupWrite } from './limits.js';

interface Changed {
  readonly path: string;
  readonly before: string;
  /** What an empty `before` meant: v2's sets of CPUs and memory nodes are the parent's then. */
  readonly meant: string;
}

/** Does all of them, or none: what was there is written back when the kernel refuses one. Throws internal with the kernel's word. */
export function applyWrites(writes: readonly CgroupWrite[]): void {
  const done: Changed[] = [];
  for (const { path, data, optional } of writes) {
    try {
      const before = readFileSync(path, 'latin1').trim();
      const meant = before === '' ? effective(path) : '';
      writeFileSync(path, data);
      done.push({ path, before, meant });
    } catch (error) {
      if (optional) continue;
      const stuck = done.reverse().flatMap(putBack);
      throw internal([`failed to write ${data} to ${path}: ${errorMessage(error)}`, ...stuck].join('; '), error);
    }
  }
}

/** Puts one back; what it tells is that it cannot. Nothing at all is no write(2), hence a newline for what was empty. */
function putBack({ path, before, meant }: Changed): string[] {
  try {
    writeFileSync(path, before || '\n');
  } catch {
    try {
      // A set of CPUs does not become empty under processes (ENOSPC; Linux 6.1, cpuset.c: validate_change).
      writeFileSync(path, meant);
    } catch (error) {
      return [`failed to put back ${path}: ${errorMessage(error)}`];
    }
  }
  return [];
}

function effective(path: string): string {
  try {
    return readFileSync(`${path}.effective`, 'latin1').trim();
  } catch {
    return ''; // no set
  }
}
