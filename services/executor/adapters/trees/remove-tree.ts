import { closeSync, constants, readdirSync } from 'node:fs';
import { conflict } from '#libs/errors/errors.js';
import { AT_REMOVEDIR, O_PATH, openat2, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV, unlinkat } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';
import { isErrno } from '#libs/linux/system-call-error.js';

/**
 * Removes a name and, of a directory, all below it, by descriptors alone: no symlink is followed, and what something is mounted on is refused as busy, whoever mounted it.
 * Nothing there: nothing happens.
 */
export function removeTree(directory: Fd, name: Buffer): void {
  refuseMount(directory, name);
  try {
    unlinkat(directory, name, 0);
    return;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    if (!isErrno(error, 'EISDIR') && !isErrno(error, 'EPERM')) throw error;
  }
  const inside = openat2(directory, name, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
  try {
    emptyDirectory(inside);
  } finally {
    closeSync(inside);
  }
  unlinkat(directory, name, AT_REMOVEDIR);
}

/** unlink(2) asks for mounts of the caller's own mount namespace alone, and takes those of any other off what it removes (mount_namespaces(7)). In dockerd's words. */
function refuseMount(directory: Fd, name: Buffer): void {
  try {
    closeSync(openat2(directory, name, O_PATH | constants.O_NOFOLLOW, 0, RESOLVE_BENEATH | RESOLVE_NO_XDEV));
  } catch (error) {
    if (isErrno(error, 'EXDEV')) throw conflict(`RemoveAll ${name.toString()}: device or resource busy`);
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/** Removes all below an open directory. */
export function emptyDirectory(directory: Fd): void {
  // Node lists directories by path only; this one is our own descriptor, wherever the directory is by now.
  for (const child of readdirSync(`/proc/self/fd/${directory}`, { encoding: 'buffer' })) removeTree(directory, child);
}
