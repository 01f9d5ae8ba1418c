import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CgroupLayout } from './layout.js';
import { cgroupDirectories } from './layout.js';

/** What containers can be limited by on v2. */
const WANTED = ['cpu', 'cpuset', 'io', 'memory', 'pids'];

/**
 * Makes the cgroup above the containers' own ("/docker"), so that each of them is one mkdir a hierarchy. v1: fills empty cpusets from above; v2: hands down
 * the controllers, from our subtree on. A second call changes nothing. Throws Node's own errors; EBUSY on v2: the cgroups on the way hold processes of others.
 */
export function ensureParent(layout: CgroupLayout, path: string): void {
  for (const directory of cgroupDirectories(layout, path)) mkdirSync(directory, { recursive: true });
  prepare(layout, path, vacate);
}

/** The same for one that is there, and may be somebody else's: whose processes are on the way (EBUSY on v2) stays where it is. */
export function handDownTo(layout: CgroupLayout, path: string): void {
  prepare(layout, path, (_directory, busy) => {
    throw busy;
  });
}

function prepare(layout: CgroupLayout, path: string, onBusy: (directory: string, busy: Error) => void): void {
  for (const directory of cgroupDirectories(layout, path)) {
    const steps = cgroupsOnTheWay(directory, path);
    // From the top: a cgroup can hand down only what it was handed.
    if (layout.mode === 'v2') for (const step of [directory.slice(0, directory.length - path.length), ...steps]) handDown(step, onBusy);
    else steps.forEach(fillCpuset);
  }
}

/** `directory` is "/a/b" in a hierarchy: it and those between, from the top. */
export function cgroupsOnTheWay(directory: string, path: string): readonly string[] {
  const top = directory.slice(0, directory.length - path.length);
  const parts = path.split('/').filter((part) => part !== '');
  return parts.map((_, index) => join(top, ...parts.slice(0, index + 1)));
}

function fillCpuset(directory: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const path = join(directory, file);
    if (existsSync(path) && readFileSync(path, 'utf8').trim() === '') writeFileSync(path, readFileSync(join(dirname(directory), file), 'utf8'));
  }
}

function handDown(directory: string, onBusy: (directory: string, busy: Error) => void): void {
  const path = join(directory, 'cgroup.subtree_control');
  const enabled = new Set(readFileSync(path, 'utf8').trim().split(' '));
  const available = readFileSync(join(directory, 'cgroup.controllers'), 'utf8').trim().split(' ');
  const missing = WANTED.filter((controller) => available.includes(controller) && !enabled.has(controller));
  if (missing.length === 0) return;
  const words = missing.map((controller) => `+${controller}`).join(' ');
  try {
    writeFileSync(path, words);
  } catch (error) {
    // A cgroup that hands down may hold no processes itself (cgroups(7), "no internal processes"), the machine's root excepted. What looks like the root in a
    // container is an ordinary cgroup with the container's processes in it: they move to one below.
    if (!(error instanceof Error && 'code' in error && error.code === 'EBUSY')) throw error;
    onBusy(directory, error);
    writeFileSync(path, words);
  }
}

function vacate(directory: string): void {
  const below = join(directory, 'processes');
  mkdirSync(below, { recursive: true });
  for (const pid of readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter((line) => line !== '')) {
    try {
      writeFileSync(join(below, 'cgroup.procs'), pid);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error; // it has ended meanwhile
    }
  }
}
