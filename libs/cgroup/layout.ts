import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unavailable } from '#libs/errors/errors.js';

/**
 * Where the machine has its cgroups. v1: a hierarchy a controller (cgroups(7)); hybrid: the same, and a v2 hierarchy beside them for what needs no
 * controller (cgroup.kill); v2: one hierarchy.
 */
export interface CgroupLayout {
  readonly mode: 'v1' | 'hybrid' | 'v2';
  /** v1 and hybrid: controller ("memory", "name=systemd") to mount point; two controllers may share one. v2: each available controller to the one mount point. */
  readonly controllers: ReadonlyMap<string, string>;
  /** Mount point of the v2 hierarchy, where there is one. */
  readonly unified?: string;
  /** v2: the cgroup that was handed to us, "/system.slice/berth-docker.scope", and all that is ours is below; absent: the hierarchy's own root. */
  readonly subtree?: string;
}

/** Reads mounts once, at start. Rejects with unavailable where no cgroup file system is mounted. */
export function detect(): CgroupLayout {
  return layoutOf(readFileSync('/proc/self/mountinfo', 'utf8'), (unified) => readFileSync(join(unified, 'cgroup.controllers'), 'utf8').trim().split(' '));
}

/** What /proc/self/mountinfo (proc_pid_mountinfo(5)) says. `v2Controllers` reads cgroup.controllers below the v2 mount. */
export function layoutOf(mountinfo: string, v2Controllers: (unified: string) => readonly string[]): CgroupLayout {
  const controllers = new Map<string, string>();
  let unified: string | undefined;
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    const mountPoint = unescape(before?.split(' ')[4] ?? '');
    const [type, , options] = after?.split(' ') ?? [];
    if (type === 'cgroup2') unified ??= mountPoint;
    if (type !== 'cgroup') continue;
    // Without a controller's name are only options of the hierarchy itself.
    for (const option of options?.split(',') ?? []) if (!HIERARCHY_OPTIONS.has(option) && !controllers.has(option)) controllers.set(option, mountPoint);
  }
  const ofV1 = [...controllers.keys()].some((controller) => !controller.startsWith('name='));
  if (ofV1) return unified === undefined ? { mode: 'v1', controllers } : { mode: 'hybrid', controllers, unified };
  if (unified === undefined) throw unavailable('no cgroup controllers are mounted: mount cgroup2 at /sys/fs/cgroup');
  // A hierarchy of v1 that has a name alone, as systemd's own, limits nothing: left out, the machine is a v2 one.
  const own = v2Controllers(unified).filter((controller) => controller !== '');
  return { mode: 'v2', controllers: new Map(own.map((controller) => [controller, unified])), unified };
}

const HIERARCHY_OPTIONS = new Set(['rw', 'ro', 'xattr', 'noprefix', 'clone_children', 'none', 'cpuset_v2_mode', 'favordynmods']);

/** Spaces and the like are octal in mountinfo. */
const unescape = (text: string): string => text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** The whole path of one of our cgroups in its hierarchy, "/docker/<id>" or that below our subtree. */
export const wholePath = ({ subtree = '' }: CgroupLayout, path: string): string => `${subtree}${path}`;

/** The directories that make up one cgroup, "/docker/<id>": one a hierarchy, each once. A process joins by its pid in cgroup.procs of each. */
export function cgroupDirectories(layout: CgroupLayout, path: string): readonly string[] {
  const mountPoints = new Set(layout.controllers.values());
  if (layout.unified !== undefined) mountPoints.add(layout.unified);
  return [...mountPoints].map((mountPoint) => join(mountPoint, wholePath(layout, path)));
}

/** Stands for a controller's name where a file of the v2 hierarchy is meant that needs none, such as cpu.pressure. */
export const UNIFIED = 'unified';

/** Where the files of one controller are; undefined: the machine has not got it. */
export function controllerDirectory(layout: CgroupLayout, controller: string, path: string): string | undefined {
  const mountPoint = controller === UNIFIED ? layout.unified : layout.controllers.get(controller);
  return mountPoint === undefined ? undefined : join(mountPoint, wholePath(layout, path));
}
