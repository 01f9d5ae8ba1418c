import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupDirectories, type CgroupLayout, wholePath } from './layout.js';

/**
 * The directories that a further process of the cgroup `path` joins, whose first process is `pid`. A container of its own right over its v2 cgroup (an engine or
 * an init in a privileged container) has moved its processes further down, since a cgroup that hands down controllers lets none in (EBUSY): there it is.
 */
export function directoriesToJoin(layout: CgroupLayout, path: string, pid: number): readonly string[] {
  if (layout.mode !== 'v2' || layout.unified === undefined) return cgroupDirectories(layout, path);
  const container = wholePath(layout, path);
  const now = cgroupOfProcess(pid);
  return [join(layout.unified, now?.startsWith(`${container}/`) ? now : container)];
}

/** Its v2 cgroup (cgroups(7), /proc/pid/cgroup); undefined: the process is gone. */
function cgroupOfProcess(pid: number): string | undefined {
  try {
    return /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
