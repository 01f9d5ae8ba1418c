import { readFileSync } from 'node:fs';
import { withContainerProcess } from './container-process.js';

/** File systems of which the kernel knows all by itself, or from a disk of this machine. */
const NEAR = /^(overlay|tmpfs|ramfs|proc|sysfs|devpts|devtmpfs|mqueue|cgroup2?|hugetlbfs|securityfs|debugfs|tracefs|configfs|bpf|ext[234]|xfs|btrfs|zfs|f2fs|bcachefs|jfs|erofs|squashfs|vfat|exfat|ntfs3|iso9660|udf|nsfs|rpc_pipefs)$/;
/** Where a host has mounts that its own programs make known to it, as autofs has for binfmt_misc. Nobody binds them. */
const OF_KERNEL = /^\/(proc|sys|dev)\//;

/** Whether a running container has a mount in which a look may take as long as somebody else likes: of a network, or of a process (fuse(4)), its own maybe. Throws as withContainerProcess does. */
export function hasDistantMounts(container: string, pid: number): boolean {
  return withContainerProcess(container, pid, (first) => distantPlaces(readFileSync(`/proc/self/fd/${first}/mountinfo`, 'latin1')).length > 0);
}

/** Whether the host has one that can be bound. Whether a path leads there cannot be asked: that may never be answered. */
export function hostHasDistantMounts(): boolean {
  return distantPlaces(readFileSync('/proc/self/mountinfo', 'latin1')).some((place) => !OF_KERNEL.test(place));
}

/** proc_pid_mountinfo(5): the place is the fifth, and the type the first behind the lone hyphen. */
export const distantPlaces = (mountinfo: string): readonly string[] => mountsIn(mountinfo).flatMap(({ place, type }) => (NEAR.test(type) ? [] : place));

/** Whether such a mount is the one that has this number, or is mounted in it. */
export function hasDistantBelow(mountinfo: string, top: string | undefined): boolean {
  const mounts = mountsIn(mountinfo);
  const below = new Set([top]);
  // Whatever a mount is on was mounted before, and may stand behind it: a child is found once its parent is.
  for (let known = 0; known < below.size; ) {
    known = below.size;
    for (const { id, parent } of mounts) if (below.has(parent)) below.add(id);
  }
  return mounts.some(({ id, type }) => below.has(id) && !NEAR.test(type));
}

/** The numbers of mounts of which the machine knows all by itself. An overlay is no more than what it lies on, which nobody tells: the root's own is the engine's. */
export const nearMounts = (mountinfo: string, root: string | undefined): ReadonlySet<string> => new Set(mountsIn(mountinfo).flatMap(({ id, type }) => (NEAR.test(type) && (type !== 'overlay' || id === root) ? id : [])));

function mountsIn(mountinfo: string): readonly { readonly id: string; readonly parent: string; readonly place: string; readonly type: string }[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [id = '', parent = '', , , place] = before.split(' ');
    const [type] = after.split(' ', 1);
    return place === undefined || type === undefined ? [] : [{ id, parent, place, type }];
  });
}
