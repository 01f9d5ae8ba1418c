import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, lstatSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { invalid, unclassified } from '#libs/errors/errors.js';
import { mkdirat, O_PATH, openat2, RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';
import { removeTreeSync } from '#libs/linux/remove-tree.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import { copyTree, moveTree } from '../trees/copy-tree.js';
import { mergeLayers } from '../trees/merge-layers.js';
import { type Layers, withMergedView } from '../trees/merged-view.js';
import { emptyDirectory, removeTree } from '../trees/remove-tree.js';

export interface FillJob {
  readonly image: Layers & { readonly driver: 'overlay2' | 'vfs' };
  /** Where the container has the volume. */
  readonly path: string;
  /** The volume's own directory, with `_data` in it. */
  readonly volume: string;
  /** What is filled, below `_data`; absent: that itself. */
  readonly subpath?: string;
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Of the data, where that is another mount than the volume. */
const PASSING = '.berth-filling';

/**
 * Fills an empty volume, or an empty part of one, with what the image holds at `path`, the directory's own owner and mode included. What holds something, a part that is not there, or a
 * path that the image has not: nothing happens. Rejects where one of both is a directory, and the other is none. The copy is made beside the data and moved in once it is whole, so that one that fails leaves nothing, and nothing that
 * containers have written meanwhile is ever taken for half of a copy.
 */
export function fillVolume({ image, path, volume, subpath }: FillJob): void {
  const { half, whole } = copiesOf(volume, subpath);
  const data = openData(volume, subpath);
  if (data === undefined) return;
  try {
    if (!fstatSync(data).isDirectory()) return lookAtImage(image, volume, (root) => refuseFileAsDirectory(root, path, subpath));
    if (isFormerMark(half)) emptyDirectory(data);
    removeTreeSync(half);
    if (!existsSync(whole)) {
      if (!isEmpty(data)) return;
      lookAtImage(image, volume, (root) => makeCopy(root, path, half));
      // A container that has the volume may have written meanwhile.
      if (existsSync(half) && isEmpty(data)) renameSync(half, whole);
    }
    if (existsSync(whole)) moveIn(whole, data);
  } finally {
    closeSync(data);
    removeTreeSync(half);
  }
}

/** Where a copy is until it is moved in: `half` is thrown away when it is found, `whole` is moved in. One for a part is in no other's way: whoever finds it has to know where it belongs. */
function copiesOf(volume: string, subpath?: string): { readonly half: string; readonly whole: string } {
  const part = subpath === undefined ? '' : `-${createHash('sha256').update(subpath).digest('hex')}`;
  return { half: `${volume}/filling${part}`, whole: `${volume}/filled${part}` };
}

/** Whether a copy of the whole volume was cut short by a crash. */
export const hasUnfinishedCopy = (volume: string): boolean => Object.values(copiesOf(volume)).some((path) => existsSync(path));

/** Containers write into the volume: what leads to the part is their doing, and must not lead out. */
function openData(volume: string, subpath: string | undefined): Fd | undefined {
  const data = openSync(`${volume}/_data`, DIRECTORY);
  if (subpath === undefined) return data;
  try {
    return unlessMissing(() => openPart(data, subpath));
  } catch (error) {
    if (isErrno(error, 'EXDEV')) throw invalid(`path concatenation escapes the base directory, base: ${volume}/_data, subpath: ${subpath}`);
    throw error;
  } finally {
    closeSync(data);
  }
}

/** A directory, or what only tells that it is none. */
function openPart(data: Fd, subpath: string): Fd {
  const within = (flags: number): Fd => openat2(data, subpath, flags, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
  try {
    return within(constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (!isErrno(error, 'ENOTDIR')) throw error;
    return within(O_PATH);
  }
}

/** No start could mount it there. That of a file on a file works, although dockerd, which would copy there too, refuses it. */
function refuseFileAsDirectory(root: Fd, path: string, subpath = ''): void {
  const target = unlessMissing(() => openInImage(root, path));
  if (target === undefined) return;
  closeSync(target);
  throw unclassified(`open ${subpath}: not a directory: the part of the volume is none, and ${path} of the image is one`);
}

/** Nor could a start mount a directory on a file. Links are followed: what is there is what they lead to. */
function refuseDirectoryAsFile(root: Fd, path: string): void {
  const target = unlessMissing(() => openat2(root, path, O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS));
  if (target === undefined) return;
  closeSync(target);
  throw unclassified(`source ${path} is not directory: a volume cannot be mounted on what the image has there`);
}

/** A release that copied into the data itself had a file there as long as that took: what a crash or a full disk left of it is half of a copy, which it made again. */
const isFormerMark = (half: string): boolean => lstatSync(half, { throwIfNoEntry: false })?.isFile() === true;

/** Nothing at `path`: nothing happens. */
function makeCopy(root: Fd, path: string, target: string): void {
  const source = unlessMissing(() => openInImage(root, path));
  if (source === undefined) return refuseDirectoryAsFile(root, path);
  try {
    mkdirSync(target, { mode: 0o700 });
    withDirectory(target, (copy) => copyTree(source, copy));
  } finally {
    closeSync(source);
  }
}

function moveIn(whole: string, data: Fd): void {
  withDirectory(whole, (copy) => {
    try {
      moveTree(copy, data);
    } catch (error) {
      if (!isErrno(error, 'EXDEV')) throw error;
      copyWithin(copy, data);
    }
  });
  removeTreeSync(whole);
}

/** The data is a file system that somebody mounted there. */
function copyWithin(copy: Fd, data: Fd): void {
  removeTree(data, Buffer.from(PASSING));
  mkdirat(data, PASSING, 0o700);
  try {
    withDirectory(`/proc/self/fd/${data}/${PASSING}`, (passing) => {
      copyTree(copy, passing);
      moveTree(passing, data);
    });
  } finally {
    removeTree(data, Buffer.from(PASSING));
  }
}

const isEmpty = (directory: Fd): boolean => readdirSync(`/proc/self/fd/${directory}`).length === 0;

function withDirectory(path: string, use: (directory: Fd) => void): void {
  const directory = openSync(path, DIRECTORY);
  try {
    use(directory);
  } finally {
    closeSync(directory);
  }
}

/** Without an overlay the layers are copied over one another beside the volume, for this once. */
function lookAtImage(image: FillJob['image'], volume: string, look: (root: Fd) => void): void {
  if (image.driver === 'overlay2' || image.layers.length === 1) {
    withMergedView(image, look);
    return;
  }
  const target = `${volume}/image`;
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  try {
    mergeLayers({ ...image, target });
    withMergedView({ directory: '/', layers: [target] }, look);
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}

/** Symlinks mean what they would in the container. */
const openInImage = (root: Fd, path: string): Fd => openat2(root, path, constants.O_RDONLY | constants.O_DIRECTORY, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);

/** Undefined: there is no directory. */
function unlessMissing(open: () => Fd): Fd | undefined {
  try {
    return open();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].some((code) => isErrno(error, code))) return undefined;
    throw error;
  }
}
