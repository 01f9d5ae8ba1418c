import { chmodSync, closeSync, constants, fstatSync } from 'node:fs';
import { conflict } from '#libs/errors/errors.js';
import { AT_EMPTY_PATH, fchownat, mknodat, O_PATH, openat2, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS } from './directory-entries.js';
import type { Fd, PathLike } from './native.js';

export interface SpecialFile {
  /** S_IFCHR, S_IFBLK, S_IFIFO or S_IFSOCK, and the permissions. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly major: number;
  readonly minor: number;
}

/**
 * Makes a device, fifo or socket in a directory that others may reach. What one of them has put in its place meanwhile, such as a symlink to where he cannot write, stays as it is: then
 * this throws conflict. Throws SystemCallError (EEXIST: the name is taken).
 */
export function makeSpecialFile(directory: Fd, name: PathLike, { mode, uid, gid, major, minor }: SpecialFile): void {
  mknodat(directory, name, mode & constants.S_IFMT, major, minor);
  const made = openat2(directory, name, O_PATH | constants.O_NOFOLLOW, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
  try {
    if ((fstatSync(made).mode & constants.S_IFMT) !== (mode & constants.S_IFMT)) throw conflict(`${Buffer.from(name).toString()} was replaced while it was made`);
    fchownat(made, '', uid, gid, AT_EMPTY_PATH);
    // There is no way but this to the mode of what is not opened for reading or writing (before fchmodat2(2)); it names the descriptor, and no path.
    chmodSync(`/proc/self/fd/${made}`, mode & 0o7777);
  } finally {
    closeSync(made);
  }
}
