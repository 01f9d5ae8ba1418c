import { closeSync, constants, readdirSync } from 'node:fs';
import { AT_REMOVEDIR, openat2, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, unlinkat } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';
import { isErrno } from '#libs/linux/system-call-error.js';

/** Removes a name and, of a directory, all below it, by descriptors alone: no symlink is followed. Nothing there: nothing happens. */
export function removeTree(directory: Fd, name: Buffer): void {
  try {
    unlinkat(directory, name, 0);
    return;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    if (!isErrno(error, 'EISDIR') && !isErrno(error, 'EPERM')) throw error;
  }
  const inside = openat2(directory, name, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
  try {
    emptyDirectory(inside);
  } finally {
    closeSync(inside);
  }
  unlinkat(directory, name, AT_REMOVEDIR);
}

/** Removes all below an open directory. */
function emptyDirectory(directory: Fd): void {
  // Node lists directories by path only; this one is our own descriptor, wherever the directory is by now.
  for (const child of readdirSync(`/proc/self/fd/${directory}`, { encoding: 'buffer' })) removeTree(directory, child);
}
