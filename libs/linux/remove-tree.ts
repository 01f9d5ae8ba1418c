import { closeSync, constants, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { AT_FDCWD, openat2, renameat2, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS } from './directory-entries.js';
import type { Fd } from './native.js';

const O_CLOEXEC = 0o2000000;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC;
/** What node:fs says of trees whose paths are longer than PATH_MAX. */
const TOO_DEEP = new Set(['ENAMETOOLONG', 'EMFILE', 'ENFILE', 'ERR_FS_EISDIR']);

/**
 * Removes what `path` names and all below it. node:fs goes by paths, which end at 4096 bytes; a container or a layer can nest directories deeper, and could
 * then never be removed. Nobody may write there any more, and nobody ever will: what is put in the place of a directory meanwhile is followed. Nothing there: nothing happens.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!isTooDeep(error)) throw inTruth(error);
    flatten(path);
    await rm(path, { recursive: true, force: true });
  }
}

/**
 * The same at once, for a thread that has nothing else to do: a quarter of the system calls. A tree that somebody has hold of still is removed by this one alone: no symlink is followed that comes in
 * the place of a directory.
 */
export function removeTreeSync(path: string): void {
  try {
    removeByDescriptors(path);
  } catch (error) {
    if (!isTooDeep(error)) throw error;
    flatten(path);
    removeByDescriptors(path);
  }
}

/** std::filesystem::remove_all, which goes down by openat(2) with O_NOFOLLOW; the promise of node:fs goes by paths. */
function removeByDescriptors(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** Goes on after each that cannot be removed. Rejects with the first reason, in the end. */
export async function removeTrees(paths: Iterable<string>): Promise<void> {
  const reasons: unknown[] = [];
  for (const path of paths) await removeTree(path).catch((error: unknown) => reasons.push(error));
  if (reasons.length > 0) throw reasons[0];
}

const isTooDeep = (error: unknown): boolean => TOO_DEEP.has((error as NodeJS.ErrnoException).code ?? '');

/** A file that cannot be removed (EPERM: it is immutable) is tried as a directory, and what node:fs tells is that it is none. */
function inTruth(error: unknown): unknown {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== 'ENOTDIR' || path === undefined) return error;
  try {
    unlinkSync(path);
    return error;
  } catch (reason) {
    return reason;
  }
}

/** Moves every directory of the tree up into its top, each once, by descriptors of one name: the tree is then two levels deep. */
function flatten(path: string): void {
  const top = openat2(AT_FDCWD, path, DIRECTORY, 0, 0);
  try {
    let number = 0;
    for (let waiting = directoriesIn(top); waiting.length > 0; ) {
      const moved: Buffer[] = [];
      for (const name of waiting) {
        const directory = openat2(top, name, DIRECTORY, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
        try {
          for (const child of directoriesIn(directory)) {
            const place = Buffer.from(`.flat-${process.pid}-${number++}`);
            renameat2(directory, child, top, place, 0);
            moved.push(place);
          }
        } finally {
          closeSync(directory);
        }
      }
      waiting = moved;
    }
  } finally {
    closeSync(top);
  }
}

function directoriesIn(directory: Fd): Buffer[] {
  return readdirSync(`/proc/self/fd/${directory}`, { encoding: 'buffer', withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}
