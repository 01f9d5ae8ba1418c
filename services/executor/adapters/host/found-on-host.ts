import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { type CgroupLayout, cgroupDirectories } from '#libs/cgroup/layout.js';
import { processesOf } from '#libs/cgroup/processes.js';
import type { LinkCounters } from '#libs/netlink/link-counters.js';
import type { Found } from '../../domain/host/host-differences.js';

export interface HostPlaces {
  readonly layout: CgroupLayout;
  readonly cgroupParent: string;
  readonly dataRoot: string;
  readonly runRoot: string;
}

const CONTAINER_ID = /^[0-9a-f]{64}$/;
/** Between two breaths of the event loop. */
const AT_ONCE = 50;
/** Where the engine's program is seen from by the services; a mount, and wished. */
const PROGRAM = 'app';

/**
 * All of the host that one engine has made, but for the rules: read from the kernel and the disk, a few microseconds for each process of the machine. `elsewhere`:
 * containers whose cgroups are not in the engine's.
 */
export async function foundOnHost(places: HostPlaces, elsewhere: readonly { readonly id: string; readonly cgroup: string }[], bridges: ReadonlySet<string>, links: readonly LinkCounters[]): Promise<Omit<Found, 'rules'>> {
  const { dataRoot, runRoot } = places;
  const there = links.filter(({ name }) => bridges.has(name));
  const indexes = new Set(there.map(({ index }) => index));
  const cgroups = new Map<string, number>();
  const [directory = ''] = cgroupDirectories(places.layout, places.cgroupParent);
  for (const name of await namesIn(directory)) if (CONTAINER_ID.test(name)) cgroups.set(name, processesOf(`${directory}/${name}`).length);
  // What else there is in somebody else's parents is none of ours.
  for (const { id, cgroup } of elsewhere) {
    const [own = ''] = cgroupDirectories(places.layout, cgroup);
    if (existsSync(own)) cgroups.set(id, processesOf(own).length);
  }
  return {
    cgroups,
    ...(await processes(`${runRoot}/tasks/`)),
    bridges: new Set(there.map(({ name }) => name)),
    veths: new Set(links.filter(({ name, master }) => indexes.has(master) && name.startsWith('veth')).map(({ name }) => name)),
    taskDirectories: new Set(await namesIn(`${runRoot}/tasks`)),
    containerDirectories: new Set(await namesIn(`${dataRoot}/containers`)),
    mounts: await mountsBelow([`${dataRoot}/`, `${runRoot}/`], `${dataRoot}/${PROGRAM}`),
  };
}

/** Numbers of all processes, and the tasks whose shims are among them: a shim's first argument is its task's directory. */
async function processes(tasks: string): Promise<Pick<Found, 'processes' | 'shims'>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const shims = new Set<string>();
  for (const [index, pid] of pids.entries()) {
    const [, argument = ''] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (argument.startsWith(tasks)) shims.add(argument.slice(tasks.length));
    if (index % AT_ONCE === 0) await setImmediate();
  }
  return { processes: new Set(pids.map(Number)), shims };
}

/** Mounts of the executor's own namespace: those of containers are in theirs. A root that was mounted by an administrator is none of ours: it is a directory above. */
async function mountsBelow(roots: readonly string[], but: string): Promise<string[]> {
  const targets = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '');
  return targets.filter((target) => target !== but && !target.startsWith(`${but}/`) && roots.some((root) => target.startsWith(root)));
}

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);
