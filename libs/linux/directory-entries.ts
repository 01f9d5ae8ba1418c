import type { Fd, PathLike } from './native.js';
import { native } from './native.js';
import { checked } from './system-call-error.js';

/** The calling process's working directory in place of a descriptor. */
export const AT_FDCWD = -100;
/** Act on a symlink itself. */
export const AT_SYMLINK_NOFOLLOW = 0x100;
/** unlinkat: remove a directory. */
export const AT_REMOVEDIR = 0x200;
/** With an empty path: act on the descriptor itself, O_PATH ones too. */
export const AT_EMPTY_PATH = 0x1000;

/** renameat2(2) */
export const RENAME_NOREPLACE = 1;

/** openat2(2): how the path may be walked. */
export const RESOLVE_NO_XDEV = 0x01;
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_NO_SYMLINKS = 0x04;
export const RESOLVE_BENEATH = 0x08;
export const RESOLVE_IN_ROOT = 0x10;
/** Linux 5.12. EAGAIN: not all names on the way are in memory, or a file system wants to be asked. */
export const RESOLVE_CACHED = 0x20;

/** What node:fs does not name. */
export const O_PATH = 0o10000000;

const EAGAIN = 11;
/** RESOLVE_IN_ROOT and RESOLVE_BENEATH give EAGAIN when something was renamed during the walk (openat2(2)): ask again, but not for ever. */
const ATTEMPTS = 32;

/** All functions here throw SystemCallError. A `directory` is a descriptor or AT_FDCWD. `openat2` gives a close-on-exec descriptor that the caller owns. */
export function openat2(directory: Fd, path: PathLike, flags: number, mode: number, resolve: number): Fd {
  let result = native.openat2(directory, path, flags, mode, resolve);
  for (let attempt = 1; result === -EAGAIN && attempt < ATTEMPTS; attempt++) result = native.openat2(directory, path, flags, mode, resolve);
  return checked('openat2', result, { path });
}

/**
 * What openat2 does not resolve is one name in an open directory: on a longer path the kernel would go through every symlink on it, to wherever somebody has it lead. From AT_FDCWD it is a path of
 * the caller's own.
 */
function oneName(directory: Fd, path: PathLike): PathLike {
  if (directory !== AT_FDCWD && (typeof path === 'string' ? path.includes('/') : path.includes(SLASH))) throw new TypeError(`${Buffer.from(path).toString()} is no name in a directory`);
  return path;
}

const SLASH = 0x2f;

export function mkdirat(directory: Fd, path: PathLike, mode: number): void {
  checked('mkdirat', native.mkdirat(directory, oneName(directory, path), mode), { path });
}

/** `mode` holds the type too: S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK or S_IFREG. */
export function mknodat(directory: Fd, path: PathLike, mode: number, major: number, minor: number): void {
  checked('mknodat', native.mknodat(directory, oneName(directory, path), mode, major, minor), { path });
}

export function symlinkat(target: PathLike, directory: Fd, path: PathLike): void {
  checked('symlinkat', native.symlinkat(target, directory, oneName(directory, path)), { path });
}

export function linkat(fromDirectory: Fd, from: PathLike, toDirectory: Fd, to: PathLike, flags: number): void {
  checked('linkat', native.linkat(fromDirectory, oneName(fromDirectory, from), toDirectory, oneName(toDirectory, to), flags), { from, to });
}

export function unlinkat(directory: Fd, path: PathLike, flags: number): void {
  checked('unlinkat', native.unlinkat(directory, oneName(directory, path), flags), { path });
}

export function renameat2(fromDirectory: Fd, from: PathLike, toDirectory: Fd, to: PathLike, flags: number): void {
  checked('renameat2', native.renameat2(fromDirectory, oneName(fromDirectory, from), toDirectory, oneName(toDirectory, to), flags), { from, to });
}

/** lchown with AT_SYMLINK_NOFOLLOW; of the descriptor itself with an empty path and AT_EMPTY_PATH. */
export function fchownat(directory: Fd, path: PathLike, uid: number, gid: number, flags: number): void {
  checked('fchownat', native.fchownat(directory, oneName(directory, path), uid, gid, flags), { path });
}

export interface Timestamp {
  /** Since 1970, may be negative. */
  readonly seconds: number;
  /** 0 to 999 999 999. */
  readonly nanoseconds: number;
}

export function utimensat(directory: Fd, path: PathLike, atime: Timestamp, mtime: Timestamp, flags: number): void {
  checked('utimensat', native.utimensat(directory, oneName(directory, path), atime.seconds, atime.nanoseconds, mtime.seconds, mtime.nanoseconds, flags), { path });
}
