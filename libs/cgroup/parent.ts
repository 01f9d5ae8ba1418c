import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CgroupLayout } from './layout.js';
import { cgroupDirectories } from './layout.js';

/** What containers can be limited by on v2. */
const WANTED = ['cpu', 'cpuset', 'io', 'memory', 'pids'];

/**
 * Makes the cgroup above the containers' own ("/docker"), so that each of them is one mkdir a hierarchy. v1: fills empty cpusets from above; v2: hands down
 * the controllers. A second call changes nothing. Throws Node's own errors; on v2 EBUSY: a cgroup above holds processes, the engine needs a delegated subtree.
 */
export function ensureParent(layout: CgroupLayout, path: string): void {
  for (const directory of cgroupDirectories(layout, path)) {
    mkdirSync(directory, { recursive: true });
    const mountPoint = directory.slice(0, directory.length - path.length);
    const steps = stepsDown(mountPoint, path);
    // From the top: a cgroup can hand down only what it was handed.
    if (layout.mode === 'v2') [mountPoint, ...steps].forEach(handDown);
    else steps.forEach(fillCpuset);
  }
}

/** "/a/b" below a mount point: its own directory and those between, from the top. */
function stepsDown(mountPoint: string, path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return parts.map((_, index) => join(mountPoint, ...parts.slice(0, index + 1)));
}

function fillCpuset(directory: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const path = join(directory, file);
    if (existsSync(path) && readFileSync(path, 'utf8').trim() === '') writeFileSync(path, readFileSync(join(dirname(directory), file), 'utf8'));
  }
}

function handDown(directory: string): void {
  const path = join(directory, 'cgroup.subtree_control');
  const enabled = new Set(readFileSync(path, 'utf8').trim().split(' '));
  const available = readFileSync(join(directory, 'cgroup.controllers'), 'utf8').trim().split(' ');
  const missing = WANTED.filter((controller) => available.includes(controller) && !enabled.has(controller));
  if (missing.length > 0) writeFileSync(path, missing.map((controller) => `+${controller}`).join(' '));
}
