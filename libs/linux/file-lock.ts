import { closeSync, constants, openSync } from 'node:fs';
import type { Fd } from './native.js';
import { native } from './native.js';
import { checked } from './system-call-error.js';

const LOCK_EX_NB = 2 | 4;
const EWOULDBLOCK = 11;

/**
 * Takes the lock of the file at `path`, which is made where it is missing and is nobody else's to open: without write access no other user can hold it. The kernel
 * gives it back when the descriptor is closed, whatever its process dies of (flock(2)); children do not get it. Undefined: somebody holds it.
 */
export function lockFile(path: string): Fd | undefined {
  return locked(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600), path);
}

/** The same of a directory that is there: who may read it can hold it. */
export function lockDirectory(path: string): Fd | undefined {
  return locked(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW), path);
}

function locked(fd: Fd, path: string): Fd | undefined {
  const result = native.flock(fd, LOCK_EX_NB);
  if (result >= 0) return fd;
  closeSync(fd);
  if (result !== -EWOULDBLOCK) checked('flock', result, { path });
  return undefined;
}
