import { closeSync, constants, openSync } from 'node:fs';
import type { Fd } from './native.js';
import { native } from './native.js';
import { checked } from './system-call-error.js';

const [LOCK_SH_NB, LOCK_EX_NB] = [1 | 4, 2 | 4];
const EWOULDBLOCK = 11;

/**
 * Takes the lock of the file at `path`, which is made where it is missing and is nobody else's to open: without write access no other user can hold it. The kernel
 * gives it back when the descriptor is closed, whatever its process dies of (flock(2)); children do not get it. Undefined: somebody holds it.
 */
export function lockFile(path: string): Fd | undefined {
  return locked(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600), path, LOCK_EX_NB);
}

/** The same of a directory that is there: who may read it can hold it. */
export function lockDirectory(path: string): Fd | undefined {
  return locked(openDirectory(path), path, LOCK_EX_NB);
}

/** As lockDirectory, beside others who share it: nobody has the lock for himself meanwhile. */
export function shareDirectory(path: string): Fd | undefined {
  return locked(openDirectory(path), path, LOCK_SH_NB);
}

const openDirectory = (path: string): Fd => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);

function locked(fd: Fd, path: string, operation: number): Fd | undefined {
  const result = native.flock(fd, operation);
  if (result >= 0) return fd;
  closeSync(fd);
  if (result !== -EWOULDBLOCK) checked('flock', result, { path });
  return undefined;
}
