import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { scopeName } from '../../services/executor/adapters/host/systemd-scope.js';

/** What one engine may leave behind on a machine. */
export interface Footprint {
  readonly dataRoot: string;
  readonly runRoot: string;
  readonly bridge: string;
  readonly cgroupParent: string;
}

/** Mounts, links, cgroups and processes that are left of an engine that was stopped, in words; empty when all is clean. */
export function leaksOf(footprint: Footprint): string[] {
  return [...leftMounts(footprint), ...leftLinks(footprint), ...leftCgroups(footprint), ...leftProcesses(footprint)];
}

function leftMounts({ dataRoot, runRoot }: Footprint): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((target) => target.startsWith(`${dataRoot}/`) || target.startsWith(`${runRoot}/`))
    .map((target) => `mount ${target}`);
}

function leftLinks({ bridge }: Footprint): string[] {
  const folder = `/sys/class/net/${bridge}/brif`;
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((port) => `link ${port} on ${bridge}`);
}

function leftCgroups({ cgroupParent }: Footprint): string[] {
  return parentCgroups(cgroupParent).flatMap((path) => readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => `cgroup ${path}/${entry.name}`));
}

/**
 * The directories of the cgroup `path`, above containers' cgroups, that are there, in each hierarchy; under systemd on v2 in the scope of the engine whose own parent is
 * `enginesParent`, which goes with its last process.
 */
export function parentCgroups(path: string, enginesParent = path): string[] {
  return cgroupMounts()
    .flatMap((mount) => [`${mount}${path}`, `${mount}/system.slice/${scopeName(enginesParent)}${path}`])
    .filter((directory) => existsSync(directory));
}

export function cgroupMounts(): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , type]) => type === 'cgroup' || type === 'cgroup2')
    .map(([, target]) => target ?? '');
}

/** A process belongs to an engine when its command line or environment names the engine's run root; zombies have neither. */
function leftProcesses({ runRoot, dataRoot }: Footprint): string[] {
  const own = String(process.pid);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== own)
    .filter((pid) => [runRoot, dataRoot].some((root) => textOf(`/proc/${pid}/cmdline`).includes(root) || textOf(`/proc/${pid}/environ`).includes(root)))
    .map((pid) => `process ${pid} ${textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()}`);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
