import type { Fd, PathLike } from './native.js';
import { native } from './native.js';
import { checked, SystemCallError } from './system-call-error.js';

const ENODATA = 61;

/** Sets an extended attribute of an open file; not of an O_PATH descriptor (EBADF). Throws SystemCallError. */
export function fsetxattr(fd: Fd, name: string, value: Uint8Array): void {
  checked('fsetxattr', native.fsetxattr(fd, name, value, 0), { fd, name });
}

/** Sets one of the file itself where `path` is a symlink. */
export function lsetxattr(path: PathLike, name: string, value: Uint8Array): void {
  checked('lsetxattr', native.lsetxattr(path, name, value, 0), { path, name });
}

/** Undefined: no such attribute. */
export function lgetxattr(path: PathLike, name: string): Buffer | undefined {
  const value = native.lgetxattr(path, name);
  if (typeof value !== 'number') return value;
  if (value === -ENODATA) return undefined;
  throw new SystemCallError('lgetxattr', -value, { path, name });
}

export function llistxattr(path: PathLike): readonly string[] {
  const names = native.llistxattr(path);
  if (typeof names === 'number') throw new SystemCallError('llistxattr', -names, { path });
  return names.toString().split('\0').filter((name) => name !== '');
}
