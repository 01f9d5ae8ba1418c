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

/** Directories of containers below the cgroup parent, in every hierarchy: container → hierarchies. */
export function cgroupsOf({ cgroupParent }: Roots): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const mount of cgroupMounts()) {
    const parent = `${mount}${cgroupParent}`;
    if (!existsSync(parent)) continue;
    for (const entry of readdirSync(parent, { withFileTypes: true })) if (entry.isDirectory()) found.set(entry.name, [...(found.get(entry.name) ?? []), mount]);
  }
  return found;
}

/** Whether the processes of a container stand still, in whichever hierarchy has a freezer (v1: freezer.state, v2: cgroup.events). */
export function isFrozen({ cgroupParent }: Roots, container: string, hierarchies: readonly string[]): boolean {
  return hierarchies.some((mount) => {
    const directory = `${mount}${cgroupParent}/${container}`;
    return /^FROZEN/.test(textOf(`${directory}/freezer.state`)) || /^frozen 1$/m.test(textOf(`${directory}/cgroup.events`));
  });
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
