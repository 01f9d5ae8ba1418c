import { closeSync, constants } from 'node:fs';
import { invalid } from '#libs/errors/errors.js';
import { AT_FDCWD, mkdirat, O_PATH, openat2, RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import { noBindSource, type VolumePart } from '../../domain/spec/volume-part.js';

/** The caller closes it. */
export function openPart({ volume, below }: VolumePart): Fd {
  return within(volume, (directory) => openBeneath(directory, below, O_PATH));
}

/** For a bind of it: with `makes`, directories are made of what is missing on the way. Throws invalid where it leads out of the volume, or, without, to nothing. */
export function preparePart({ volume, below, makes }: VolumePart & { readonly makes: boolean }): void {
  try {
    if (makes) within(volume, (directory) => makeDown(directory, below.split('/')));
    else closeSync(openPart({ volume, below }));
  } catch (error) {
    if (isErrno(error, 'EXDEV')) throw invalid(`path concatenation escapes the base directory, base: ${volume}, subpath: ${below}`, error);
    throw isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR') ? noBindSource(`${volume}/${below}`) : error;
  }
}

function makeDown(directory: Fd, names: readonly string[]): void {
  for (let count = 1; count <= names.length; count++) if (!isThere(directory, names.slice(0, count))) make(directory, names.slice(0, count));
}

function within<T>(volume: string, use: (directory: Fd) => T): T {
  const directory = openat2(AT_FDCWD, volume, O_PATH | constants.O_DIRECTORY, 0, 0);
  try {
    return use(directory);
  } finally {
    closeSync(directory);
  }
}

const openBeneath = (directory: Fd, path: string, flags: number): Fd => openat2(directory, path, flags, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);

function isThere(directory: Fd, names: readonly string[]): boolean {
  try {
    closeSync(openBeneath(directory, names.join('/'), O_PATH));
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

function make(directory: Fd, names: readonly string[]): void {
  const parent = openBeneath(directory, ['.', ...names.slice(0, -1)].join('/'), O_PATH | constants.O_DIRECTORY);
  try {
    mkdirat(parent, names.at(-1) ?? '', 0o755);
  } catch (error) {
    // A container was faster; or it is a symlink to nothing, which whoever mounts it is told.
    if (!isErrno(error, 'EEXIST')) throw error;
  } finally {
    closeSync(parent);
  }
}
