import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import type { IdMaps } from '#contracts/executor/id-maps.js';
import type { ContainerMount } from '#contracts/containers/container-state.js';
import { conflict } from '#libs/errors/errors.js';
import { O_PATH, openat2, RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from '#libs/linux/directory-entries.js';
import { cloneMountTree, fchdir, MNT_DETACH, mount, MS_BIND, MS_NODEV, MS_NOSUID, MS_REC, umount2 } from '#libs/linux/mounts.js';
import type { Fd } from '#libs/linux/native.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import type { RootSource } from '../snapshots/snapshotter.js';
import { LayerTree } from '../snapshots/layer-tree.js';
import { treePath } from '../snapshots/tree-path.js';

/** A root as its processes see it, or as they would. */
export type RootJob =
  /** `ids`: of its user namespace, where it has not the host's. What is read or made below its root then has the host's ids for them. */
  | { readonly container: string; readonly pid: number; readonly ids?: IdMaps }
  /** `root`: of one that does not run. Whoever gives the job closes it when that is done. */
  | { readonly container: string; readonly root: Fd };

export interface StoppedRoot {
  readonly source: RootSource;
  readonly mounts: readonly ContainerMount[];
}

/** Gives a descriptor of a container's root to `look`: of one that runs, as it is in its own mount namespace, by way of its first process. */
export async function withContainerRoot<T>(job: RootJob, look: (root: Fd) => Promise<T> | T): Promise<T> {
  return 'pid' in job ? withRunningRoot(job, look) : look(job.root);
}

async function withRunningRoot<T>({ container, pid }: Extract<RootJob, { pid: number }>, look: (root: Fd) => Promise<T> | T): Promise<T> {
  const root = openSync(`/proc/${pid}/root`, O_PATH | constants.O_DIRECTORY);
  try {
    // Only now is it known whose root that is: the pid may have been another's by then.
    if (!readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(container)) throw conflict(`Container ${container} is not running`);
    return await look(root);
  } finally {
    closeSync(root);
  }
}

/** The ids that a root's files have, for those that an archive or the container has for them: undefined where they are the same. */
export const idsOf = (job: RootJob): IdMaps | undefined => ('pid' in job ? job.ids : undefined);

/**
 * The root of a container that does not run, with its volumes: mounted where the calling thread alone sees it and taken from there at once, so that its descriptor, which is
 * good on any thread, is all that is left of it. The caller closes it. Only on a thread of TreeThreads.
 */
export function openStoppedRoot({ source, mounts }: StoppedRoot): Fd {
  const at = 'overlay' in source ? source.overlay.baseDirectory : source.directory;
  if ('overlay' in source) mountOverlay(source.overlay, at);
  else mount(source.directory, at, '', MS_BIND | MS_REC);
  try {
    const root = openSync(at, O_PATH | constants.O_DIRECTORY);
    try {
      for (const one of mounts) if (one.type !== 'tmpfs') bind(root, one);
    } finally {
      closeSync(root);
    }
    return cloneMountTree(at);
  } finally {
    umount2(at, MNT_DETACH);
  }
}

function mountOverlay({ baseDirectory, lower, upper, work }: Extract<RootSource, { overlay: object }>['overlay'], at: string): void {
  const base = openSync(baseDirectory, O_PATH | constants.O_DIRECTORY);
  try {
    // Relative names: a page of mount data has room for 150 of them.
    fchdir(base);
  } finally {
    closeSync(base);
  }
  mount('overlay', at, 'overlay', MS_NOSUID | MS_NODEV, `lowerdir=${lower.join(':')},upperdir=${upper},workdir=${work}`);
}

/** The place is made where it is missing, as a start would. Both ends are descriptors or the engine's and the client's own paths. */
function bind(root: Fd, { source, subpath, target }: ContainerMount): void {
  let place: Fd;
  try {
    place = inRoot(root, target, O_PATH);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    const tree = new LayerTree(root);
    try {
      tree.directory(treePath(Buffer.from(target)), true);
      place = inRoot(root, target, O_PATH);
    } finally {
      tree.close();
    }
  }
  let part: Fd | undefined;
  try {
    if (subpath !== undefined) part = partOf(source, subpath);
    mount(part === undefined ? source : `/proc/self/fd/${part}`, `/proc/self/fd/${place}`, '', MS_BIND | MS_REC);
  } catch (error) {
    // A bind's source may be gone, or a file where a directory was made: its start would fail, what else is there can be looked at.
    if (!isErrno(error, 'ENOENT') && !isErrno(error, 'ENOTDIR') && !isErrno(error, 'EXDEV')) throw error;
  } finally {
    if (part !== undefined) closeSync(part);
    closeSync(place);
  }
}

/** As a start has it: containers fill volumes, and nothing in them leads out. */
function partOf(volume: string, subpath: string): Fd {
  const directory = openSync(volume, O_PATH | constants.O_DIRECTORY);
  try {
    return openat2(directory, subpath, O_PATH, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
  } finally {
    closeSync(directory);
  }
}

/** Symlinks mean what they do in the container; nothing leads out of it. */
export function inRoot(root: Fd, path: string | Buffer, flags: number): Fd {
  return openat2(root, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}
