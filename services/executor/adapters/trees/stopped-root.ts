import { closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import type { ContainerMount } from '#contracts/containers/container-state.js';
import { mkdirat, O_PATH, openat2, RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS } from '#libs/linux/directory-entries.js';
import { attachMount, cloneMount, cloneMountTree, MNT_DETACH, mount, MS_BIND, MS_NODEV, MS_NOSUID, MS_REC, setMountReadOnly, umount2 } from '#libs/linux/mounts.js';
import type { Fd } from '#libs/linux/native.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import type { RootSource } from '../snapshots/snapshotter.js';
import { bytesOf, treePath } from '../snapshots/tree-path.js';
import { inRoot } from './container-root.js';
import { mountOverlay } from './mount-overlay.js';
import { openPart } from './volume-part.js';

/** As many as the kernel follows in one path. */
const MOST_LINKS = 40;

export interface StoppedRoot {
  readonly source: RootSource;
  readonly readOnly: boolean;
  readonly mounts: readonly ContainerMount[];
}

/**
 * The root of a container that does not run, with its volumes, of which nothing can be written that the container itself could not write: mounted where the calling thread
 * alone sees it and taken from there at once, so that its descriptor, which is good on any thread, is all that is left of it. The caller closes it. Only on a thread of
 * TreeThreads.
 */
export function openStoppedRoot({ source, readOnly, mounts }: StoppedRoot): Fd {
  const at = 'overlay' in source ? source.overlay.baseDirectory : source.directory;
  if ('overlay' in source) mountOverlay({ ...source.overlay, own: source.overlay }, at, MS_NOSUID | MS_NODEV);
  else mount(source.directory, at, '', MS_BIND | MS_REC);
  try {
    const root = openSync(at, O_PATH | constants.O_DIRECTORY);
    try {
      for (const one of mounts.toSorted(byDepth)) if (one.type !== 'tmpfs') bind(root, one);
      // As at a start, not before all places to mount on are made.
      if (readOnly) setMountReadOnly(root, { below: false });
    } finally {
      closeSync(root);
    }
    return cloneMountTree(at);
  } finally {
    umount2(at, MNT_DETACH);
  }
}

/** None hides a deeper one. */
const byDepth = (one: ContainerMount, other: ContainerMount): number => depth(one) - depth(other);
const depth = ({ target }: ContainerMount): number => treePath(Buffer.from(target)).length;

/** What a start would refuse is left out: its source may be gone, or be a file where a directory is. What else is there can be looked at. */
function bind(root: Fd, wanted: ContainerMount): void {
  const tree = unlessRefused(['ENOENT', 'ENOTDIR', 'EXDEV'], () => copyOf(wanted));
  if (tree === undefined) return;
  try {
    if (wanted.readOnly) setMountReadOnly(tree, { below: wanted.readOnlyBelow !== 'never' });
    const isDirectory = fstatSync(tree).isDirectory();
    // Of a volume that is read-only nothing is made to mount on.
    const place = unlessRefused(['EROFS', 'ENOTDIR', 'ELOOP'], () => placeIn(root, wanted.target, isDirectory));
    if (place === undefined) return;
    try {
      if (fstatSync(place).isDirectory() === isDirectory) attachMount(tree, `/proc/self/fd/${place}`);
    } finally {
      closeSync(place);
    }
  } finally {
    closeSync(tree);
  }
}

function unlessRefused<T>(codes: readonly string[], attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch (error) {
    if (codes.some((code) => isErrno(error, code))) return undefined;
    throw error;
  }
}

/** The source of a mount by the engine's or the client's own path; a part of a volume as a start has it, since containers fill volumes and nothing in them leads out. */
function copyOf({ source, subpath, nonRecursive = false }: ContainerMount): Fd {
  const copy = nonRecursive ? cloneMount : cloneMountTree;
  if (subpath === undefined) return copy(source);
  const part = openPart({ volume: source, below: subpath });
  try {
    return copy(`/proc/self/fd/${part}`);
  } finally {
    closeSync(part);
  }
}

/** Made where it is missing, as a start would: what a symlink leads to that is not there either is made where that leads (in_root.c). Undefined: after too many of them. */
function placeIn(root: Fd, target: string, isDirectory: boolean): Fd | undefined {
  let path = Buffer.from(target).toString('latin1');
  for (let links = 0; links <= MOST_LINKS; links++) {
    const { place, instead } = madeDown(root, path, isDirectory);
    if (instead === undefined) return inRoot(root, bytesOf(place), O_PATH);
    path = instead;
  }
  return undefined;
}

/** `path`: one character a byte. It is taken as far down as it leads, one name at a time; `instead`: where it goes on behind a symlink to nothing. */
function madeDown(root: Fd, path: string, isDirectory: boolean): { readonly place: string; readonly instead?: string } {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  let place = '.';
  for (const [index, name] of names.entries()) {
    const next = `${place}/${name}`;
    if (!isThere(root, next)) {
      const parent = inRoot(root, bytesOf(place), O_PATH | constants.O_DIRECTORY);
      try {
        const link = linkIn(parent, name);
        if (link !== undefined) return { place, instead: [...(link.startsWith('/') ? [] : [place]), link, ...names.slice(index + 1)].join('/') };
        if (isDirectory || index < names.length - 1) mkdirat(parent, bytesOf(name), 0o755);
        else closeSync(openat2(parent, bytesOf(name), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS));
      } finally {
        closeSync(parent);
      }
    }
    place = next;
  }
  return { place };
}

function isThere(root: Fd, path: string): boolean {
  try {
    closeSync(inRoot(root, bytesOf(path), O_PATH));
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** What the symlink `name` says; undefined: there is nothing of that name. */
function linkIn(directory: Fd, name: string): string | undefined {
  try {
    return readlinkSync(Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), bytesOf(name)]), 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
