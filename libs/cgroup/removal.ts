import { closeSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { internal } from '#libs/errors/errors.js';
import { pidfdOpen, pidfdSendSignal } from '#libs/linux/processes.js';
import { SIGKILL } from '#libs/linux/signals.js';

const DEADLINE_MS = 10_000;
const PAUSE_MS = 10;

/**
 * Kills whatever is in these cgroups and below, and removes them. For what has lost its keeper: else its shim does this. Those that are not there
 * change nothing. Rejects (internal) when processes are still there after 10 s, such as one that hangs in a broken file system.
 */
export async function endCgroups(directories: readonly string[]): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  let left = directories.filter((directory) => !removed(directory));
  while (left.length > 0) {
    if (performance.now() > deadline) throw internal(`processes in ${left[0]} do not end: ${membersOf(left[0]!).join(', ')}`);
    // A killed process leaves its cgroup when it is reaped.
    await delay(PAUSE_MS);
    left = left.filter((directory) => !removed(directory));
  }
}

/** Kills whatever is in these cgroups and below, once, and leaves them. Those that are not there change nothing. */
export function killCgroups(directories: readonly string[]): void {
  for (const directory of directories) killBelow(directory, basename(directory));
}

function killBelow(directory: string, name: string): void {
  kill(directory, name);
  attempt(() => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) if (entry.isDirectory()) killBelow(join(directory, entry.name), name);
  });
}

/** True once the directory is gone; before, whatever is in it was told to end. */
function removed(directory: string, name = basename(directory)): boolean {
  try {
    for (const entry of readdirSync(directory, { withFileTypes: true })) if (entry.isDirectory()) removed(join(directory, entry.name), name);
    rmdirSync(directory);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (code !== 'EBUSY' && code !== 'ENOTEMPTY') throw error;
    kill(directory, name);
    return false;
  }
}

function kill(directory: string, name: string): void {
  attempt(() => writeFileSync(join(directory, 'freezer.state'), 'THAWED')); // v1: a frozen process does not end
  try {
    writeFileSync(join(directory, 'cgroup.kill'), '1'); // v2, Linux 5.14: one file for all, forks included
    return;
  } catch {
    for (const pid of membersOf(directory)) attempt(() => killMember(pid, name));
  }
}

/** One that was listed may have ended since, and its number be another's: held first, then asked of, it is killed or nobody is. `name`: of the cgroup that it is in, or below. */
function killMember(pid: number, name: string): void {
  const process = pidfdOpen(pid);
  try {
    const cgroups = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
    if (cgroups.some((line) => line.split('/').includes(name))) pidfdSendSignal(process, SIGKILL);
  } finally {
    closeSync(process);
  }
}

function membersOf(directory: string): number[] {
  let text = '';
  attempt(() => (text = readFileSync(join(directory, 'cgroup.procs'), 'utf8')));
  return text.split('\n').filter(Boolean).map(Number);
}

/** What may be gone by now. */
function attempt(act: () => unknown): void {
  try {
    act();
  } catch {
    // It went by itself.
  }
}
