import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { HostProcess, Roots } from './host-processes.js';

export interface ForeignMount {
  readonly pid: number;
  readonly container: string;
  /** Of a shim: its task. */
  readonly task: string;
  readonly line: string;
}

/** Mounts of the engine's directories, in every mount namespace of the machine: each namespace is read once, through one process in it. */
export function mountsOf({ dataRoot, runRoot }: Roots, processes: readonly HostProcess[]): ForeignMount[] {
  const seen = new Set<string>();
  const found: ForeignMount[] = [];
  for (const { pid, container, task, mountNamespace, isZombie } of processes) {
    if (isZombie || mountNamespace === '' || seen.has(mountNamespace)) continue;
    seen.add(mountNamespace);
    for (const line of textOf(`/proc/${pid}/mountinfo`).split('\n')) if (line.includes(`${dataRoot}/`) || line.includes(`${runRoot}/`)) found.push({ pid, container, task, line });
  }
  return found;
}

/** Directories of containers below their cgroup parents, in every hierarchy: container → hierarchies. */
export function cgroupsOf({ cgroupParent, cgroupParents = new Set() }: Roots): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const parent of [cgroupParent, ...cgroupParents]) {
    for (const mount of cgroupMounts()) for (const name of directoriesIn(`${mount}${parent}`)) found.set(name, [...(found.get(name) ?? []), mount]);
  }
  return found;
}

/** Cgroups that containers asked to be in, and that are there with nothing in them. */
export function emptyParents({ cgroupParents = new Set() }: Roots): string[] {
  const all = [...cgroupParents].flatMap((parent) => cgroupMounts().map((mount) => `${mount}${parent}`));
  return all.filter((directory) => existsSync(directory) && directoriesIn(directory).length === 0);
}

const directoriesIn = (directory: string): string[] =>
  existsSync(directory) ? readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name) : [];

/** Whether the processes of a container stand still, in whichever hierarchy has a freezer (v1: freezer.state, v2: cgroup.events). */
export function isFrozen({ cgroupParent, cgroupParents = new Set() }: Roots, container: string, hierarchies: readonly string[]): boolean {
  const directories = hierarchies.flatMap((mount) => [cgroupParent, ...cgroupParents].map((parent) => `${mount}${parent}/${container}`));
  return directories.some((directory) => /^FROZEN/.test(textOf(`${directory}/freezer.state`)) || /^frozen 1$/m.test(textOf(`${directory}/cgroup.events`)));
}

function cgroupMounts(): string[] {
  return textOf('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '');
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
