import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { conflict, unavailable } from '#libs/errors/errors.js';
import { isAway } from './kept-files.js';
import { type CgroupLayout, controllerDirectory, wholePath } from './layout.js';

const DEADLINE_MS = 10_000;
const LONGEST_PAUSE_MS = 50;

interface Freezer {
  readonly file: string;
  readonly frozen: string;
  readonly thawed: string;
  readonly isFrozen: () => boolean;
}

/**
 * Stops all processes of the cgroup `path` and below. Resolves when none of them runs; twice is once. Rejects as conflict when there is no such cgroup, and as
 * unavailable when they do not all stop within 10 s, such as one in a system call that hangs: they run on then. Once it is called off nothing is written any more, and it rejects
 * with that signal's reason.
 */
export async function freeze(layout: CgroupLayout, path: string, calledOff: AbortSignal): Promise<void> {
  const freezer = freezerOf(layout, path);
  const deadline = performance.now() + DEADLINE_MS;
  try {
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      calledOff.throwIfAborted();
      // v1 may stay at FREEZING when a process forks meanwhile, until it is told again (kernel: admin-guide/cgroup-v1/freezer-subsystem).
      writeFileSync(freezer.file, freezer.frozen);
      if (freezer.isFrozen()) return;
      if (performance.now() > deadline) break;
      await delay(pauseMs);
    }
  } catch (error) {
    if (isAway(error)) throw conflict(`there is no cgroup ${path}`);
    throw error;
  }
  thaw(layout, path);
  throw unavailable(`the processes of ${path} did not all stop within ${DEADLINE_MS / 1000} s`);
}

/** Lets them go on. A cgroup that is not frozen, or is gone, changes nothing. */
export function thaw(layout: CgroupLayout, path: string): void {
  const { file, thawed } = freezerOf(layout, path);
  try {
    writeFileSync(file, thawed);
  } catch (error) {
    if (!isAway(error)) throw error;
  }
}

/** The controller of v1 where it is mounted; else the v2 hierarchy, whose cgroups can all be frozen (Linux 5.2). */
function freezerOf(layout: CgroupLayout, path: string): Freezer {
  const v1 = layout.mode === 'v2' ? undefined : controllerDirectory(layout, 'freezer', path);
  if (v1 !== undefined) {
    const file = join(v1, 'freezer.state');
    return { file, frozen: 'FROZEN', thawed: 'THAWED', isFrozen: () => readFileSync(file, 'latin1').trim() === 'FROZEN' };
  }
  if (layout.unified === undefined) throw unavailable('this machine has no freezer cgroup: processes cannot be paused');
  const directory = join(layout.unified, wholePath(layout, path));
  return { file: join(directory, 'cgroup.freeze'), frozen: '1', thawed: '0', isFrozen: () => /^frozen 1$/m.test(readFileSync(join(directory, 'cgroup.events'), 'latin1')) };
}
