import { closeSync, openSync } from 'node:fs';
import type { Fd, PathLike } from './native.js';
import { native } from './native.js';
import { checked } from './system-call-error.js';

/** mount(2) */
export const MS_RDONLY = 0x1;
export const MS_NOSUID = 0x2;
export const MS_NODEV = 0x4;
export const MS_NOEXEC = 0x8;
export const MS_REMOUNT = 0x20;
export const MS_BIND = 0x1000;
export const MS_REC = 0x4000;
export const MS_PRIVATE = 0x40000;
export const MS_SLAVE = 0x80000;
export const MS_SHARED = 0x100000;

/** umount2(2) */
export const MNT_DETACH = 2;

/** statfs(2), f_type */
export const FILE_SYSTEM = { btrfs: 0x9123683e, overlay: 0x794c7630, xfs: 0x58465342, ext: 0xef53, tmpfs: 0x01021994, cgroup2: 0x63677270, nsfs: 0x6e736673 } as const;

/** For cold paths: it follows symlinks in `target`, so never inside a container. Throws SystemCallError. */
export function mount(source: PathLike, target: PathLike, type: string, flags: number, data = ''): void {
  checked('mount', native.mount(source, target, type, flags, data), { source, target, type });
}

/** fsconfig(2) */
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;

/** A new mount that lies nowhere, as a descriptor: paths begin at it, and it ends with it. `options`: one by one, of which there can be more than mount(2) has room for in its one page. `attributes`: MS_RDONLY, MS_NOSUID, MS_NODEV and MS_NOEXEC. The caller closes it. Throws SystemCallError. */
export function mountNowhere(type: string, options: Iterable<readonly [name: string, value: string]>, attributes: number): Fd {
  const fileSystem = checked('fsopen', native.fsopen(type), { type });
  try {
    for (const [name, value] of options) checked('fsconfig', native.fsconfig(fileSystem, FSCONFIG_SET_STRING, name, value), { [name]: value });
    checked('fsconfig', native.fsconfig(fileSystem, FSCONFIG_CMD_CREATE, '', ''), { type });
    return checked('fsmount', native.fsmount(fileSystem, attributes), { type });
  } finally {
    closeSync(fileSystem);
  }
}

/** The same at `target`, in which symlinks are followed. */
export function mountByOptions(type: string, options: Iterable<readonly [name: string, value: string]>, target: PathLike, attributes: number): void {
  const tree = mountNowhere(type, options, attributes);
  try {
    attachMount(tree, target);
  } finally {
    closeSync(tree);
  }
}

/** A bind of the directory `source`, without what is mounted below it, in which files have the ids of a user namespace (Linux 5.12). Throws SystemCallError; EINVAL: its file system cannot. */
export function mountWithIds(source: PathLike, target: PathLike, userNamespace: Fd): void {
  const tree = cloneMount(source);
  try {
    checked('mount_setattr', native.setMountIds(tree, userNamespace), { source });
    attachMount(tree, target);
  } finally {
    closeSync(tree);
  }
}

/** A copy of the mount at `path` and of all that is mounted below it, as a descriptor, good on any thread. It lies nowhere, and is unmounted with the last descriptor into it. The caller closes it. Throws SystemCallError. */
export function cloneMountTree(path: PathLike): Fd {
  return checked('open_tree', native.cloneMount(path, 1), { path });
}

/** The same of the mount at `path` alone, or of the part of it that lies there. */
export function cloneMount(path: PathLike): Fd {
  return checked('open_tree', native.cloneMount(path, 0), { path });
}

/**
 * The same of all that is mounted at the directory `root` and below it, which lie in another mount namespace. Only on a thread that called `newMountNamespace`: it is in the other one for a moment, where paths
 * are somebody else's, and does one system call there that has none. Throws SystemCallError; EINVAL: `root` does not lie there, or is not to be copied (MS_UNBINDABLE).
 */
export function cloneMountsOf(namespace: Fd, root: Fd): Fd {
  const home = openSync('/proc/thread-self/ns/mnt', 'r');
  try {
    const entered = native.setMountNamespace(namespace);
    const tree = entered < 0 ? entered : native.cloneMountsAt(root);
    // A thread that cannot come home would take a container's files for the host's from then on.
    if (entered >= 0 && native.setMountNamespace(home) < 0) process.abort();
    return checked('open_tree', tree, { namespace, root });
  } finally {
    closeSync(home);
  }
}

/** Such a copy comes to lie at `target`, in which symlinks are followed; its descriptor stays the caller's. Throws SystemCallError; EINVAL: one is a directory and the other is not. */
export function attachMount(tree: Fd, target: PathLike): void {
  checked('move_mount', native.attachMount(tree, target), { target });
}

/** Nothing can be written through the mount that a descriptor is on; `below`: nor through what is mounted below it. Who has another mount of the same files is not hindered. Throws SystemCallError. */
export function setMountReadOnly(tree: Fd, { below }: { readonly below: boolean }): void {
  checked('mount_setattr', native.setMountReadOnly(tree, below ? 1 : 0), {});
}

/** Throws SystemCallError; EINVAL: not a mount point. */
export function umount2(target: PathLike, flags: number): void {
  checked('umount2', native.umount2(target, flags), { target });
}

/** What kind of file system `path` is on: compare with FILE_SYSTEM. */
export function statfsMagic(path: PathLike): number {
  return checked('statfs', native.statfsMagic(path), { path });
}

/**
 * Gives the calling worker thread, and it alone, mounts of its own: what it mounts nobody else sees, and it ends with the thread. What the host unmounts goes here as
 * well. Never on the main thread, whose working directory and mounts the whole process has. Throws SystemCallError.
 */
export function newMountNamespace(): void {
  checked('unshare', native.newMountNamespace());
  mount('none', '/', '', MS_REC | MS_SLAVE);
}

/** The working directory of a thread that called `newMountNamespace`, for mounts whose paths would not fit in one page of data. */
export function fchdir(fd: Fd): void {
  checked('fchdir', native.fchdir(fd), { fd });
}
