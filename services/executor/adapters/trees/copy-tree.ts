import { closeSync, constants, copyFileSync, fchmodSync, fchownSync, fstatSync, lstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import { AT_SYMLINK_NOFOLLOW, fchownat, linkat, mkdirat, O_PATH, openat2, RENAME_NOREPLACE, renameat2, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, symlinkat, utimensat } from '#libs/linux/directory-entries.js';
import { fsetxattr, lgetxattr, llistxattr } from '#libs/linux/extended-attributes.js';
import type { Fd } from '#libs/linux/native.js';
import { makeSpecialFile } from '#libs/linux/special-file.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import { removeTree } from './remove-tree.js';

const ONE_NAME = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** As deep as a path can be, PATH_MAX of one-letter names: each level holds two descriptors. */
const DEEPEST = 400;

/** Where a file with more than one name was copied to. */
interface Copied {
  readonly directories: readonly Buffer[];
  readonly name: Buffer;
}

/**
 * Copies all below one directory into another, with owners, modes, times, attributes and hard links. Neither tree is trusted, and both may change meanwhile: nothing
 * is reached but by one name in an open directory, and no symlink is followed. A whiteout of an overlay is left out. Throws where a name is taken.
 */
export function copyTree(from: Fd, to: Fd): void {
  copyRoot(from, to, { root: to, files: new Map(), merges: false });
}

/**
 * The same over what is there already, as a layer lies over those below it: what is in both is the layer's, a whiteout removes, an opaque directory begins anew. Of
 * `to` nobody else may have hold.
 */
export function mergeTree(from: Fd, to: Fd): void {
  copyRoot(from, to, { root: to, files: new Map(), merges: true });
}

/**
 * Moves all in one directory into another of the same mount, which then is as the first one was; asked again after a crash it goes on. A name that is taken stays with whoever
 * was faster, and what would have had it stays where it was.
 */
export function moveTree(from: Fd, to: Fd): void {
  const facts = fstatSync(from, { bigint: true });
  for (const name of readdirSync(`/proc/self/fd/${from}`, { encoding: 'buffer' })) {
    try {
      renameToNew(from, to, name);
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
    }
  }
  describe(fdPath(from, DOT), to, facts);
  restoreTimes(to, DOT, facts);
}

function renameToNew(from: Fd, to: Fd, name: Buffer): void {
  try {
    renameat2(from, name, to, name, RENAME_NOREPLACE);
  } catch (error) {
    // A file system that cannot be asked so, as ZFS was for long.
    if (!isErrno(error, 'EINVAL') || lstatSync(fdPath(to, name), { throwIfNoEntry: false }) !== undefined) throw error;
    renameat2(from, name, to, name, 0);
  }
}

function copyRoot(from: Fd, to: Fd, copy: Copy): void {
  copyEntries(from, to, copy, []);
  describe(fdPath(from, DOT), to, fstatSync(from, { bigint: true }));
  restoreTimes(to, DOT, fstatSync(from, { bigint: true }));
}

interface Copy {
  readonly root: Fd;
  readonly files: Map<string, Copied>;
  readonly merges: boolean;
}

function copyEntries(from: Fd, to: Fd, copy: Copy, path: readonly Buffer[]): void {
  if (path.length > DEEPEST) throw new Error(`a directory tree is more than ${DEEPEST} levels deep`);
  for (const name of readdirSync(`/proc/self/fd/${from}`, { encoding: 'buffer' })) copyEntry(from, to, name, copy, path);
}

function copyEntry(from: Fd, to: Fd, name: Buffer, copy: Copy, path: readonly Buffer[]): void {
  const entry = openat2(from, name, O_PATH | constants.O_NOFOLLOW, 0, RESOLVE_BENEATH);
  try {
    const facts = fstatSync(entry, { bigint: true });
    const isWhiteout = facts.isCharacterDevice() && facts.rdev === 0n;
    if (copy.merges && (isWhiteout || !facts.isDirectory() || !isDirectory(to, name) || isOpaque(fdPath(from, name)))) removeTree(to, name);
    if (isWhiteout) return;
    if (facts.isDirectory()) {
      copyDirectory(from, to, name, facts, copy, path);
      return;
    }
    if (facts.nlink > 1n && linkToCopy(copy, facts, to, name)) return;
    if (facts.isFile()) copyFile(entry, fdPath(from, name), to, name, facts);
    else if (facts.isSymbolicLink()) copySymlink(from, to, name, facts);
    else makeSpecialFile(to, name, { mode: Number(facts.mode), uid: Number(facts.uid), gid: Number(facts.gid), major: Number(major(facts.rdev)), minor: Number(minor(facts.rdev)) });
    restoreTimes(to, name, facts);
    if (facts.nlink > 1n) copy.files.set(identity(facts), { directories: path, name });
  } finally {
    closeSync(entry);
  }
}

function copyDirectory(from: Fd, to: Fd, name: Buffer, facts: BigIntStats, copy: Copy, path: readonly Buffer[]): void {
  try {
    mkdirat(to, name, 0o700);
  } catch (error) {
    if (!copy.merges || !isErrno(error, 'EEXIST')) throw error;
  }
  const source = openat2(from, name, DIRECTORY, 0, ONE_NAME);
  try {
    const target = openat2(to, name, DIRECTORY, 0, ONE_NAME);
    try {
      copyEntries(source, target, copy, [...path, name]);
      describe(fdPath(from, name), target, facts);
      restoreTimes(target, DOT, facts);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

function copySymlink(from: Fd, to: Fd, name: Buffer, { uid, gid }: BigIntStats): void {
  symlinkat(readlinkSync(fdPath(from, name), { encoding: 'buffer' }), to, name);
  fchownat(to, name, Number(uid), Number(gid), AT_SYMLINK_NOFOLLOW);
}

/** `found`: of the plain file that was looked at, whatever has its name by now. */
function copyFile(found: Fd, path: Buffer, to: Fd, name: Buffer, facts: BigIntStats): void {
  const target = openat2(to, name, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600, ONE_NAME);
  try {
    // By the kernel, without a way through our memory; the paths are our own descriptors.
    copyFileSync(`/proc/self/fd/${found}`, `/proc/self/fd/${target}`, constants.COPYFILE_FICLONE);
    describe(path, target, facts);
  } finally {
    closeSync(target);
  }
}

function isDirectory(parent: Fd, name: Buffer): boolean {
  try {
    closeSync(openat2(parent, name, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW, 0, ONE_NAME));
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR') || isErrno(error, 'ELOOP')) return false;
    throw error;
  }
}

/** Set by the LayerStore, on file systems that have it. */
function isOpaque(path: Buffer): boolean {
  return attributesOf(path).includes('trusted.overlay.opaque');
}

/** True: the file was copied under another name before, and has this one, too, now. */
function linkToCopy({ root, files }: Copy, facts: BigIntStats, to: Fd, name: Buffer): boolean {
  const known = files.get(identity(facts));
  if (!known) return false;
  const directory = openBelow(root, known.directories);
  try {
    linkat(directory, known.name, to, name, 0);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  } finally {
    closeSync(directory);
  }
}

function openBelow(root: Fd, directories: readonly Buffer[]): Fd {
  const path = Buffer.concat([DOT, ...directories.flatMap((name) => [SLASH, name])]);
  return openat2(root, path, DIRECTORY, 0, ONE_NAME);
}

/** Owner, then mode (a change of owner takes set-user-id away), then attributes (which it takes away as well). What the kernel or an overlay gives a meaning to is not copied. */
function describe(source: Buffer, target: Fd, facts: BigIntStats): void {
  fchownSync(target, Number(facts.uid), Number(facts.gid));
  fchmodSync(target, Number(facts.mode & 0o7777n));
  for (const name of attributesOf(source)) {
    if (name !== 'security.capability' && !name.startsWith('system.posix_acl_') && !(name.startsWith('user.') && !name.startsWith('user.overlay.'))) continue;
    const value = lgetxattr(source, name);
    if (value === undefined) continue;
    try {
      fsetxattr(target, name, value);
    } catch (error) {
      if (!isErrno(error, 'EOPNOTSUPP') && !isErrno(error, 'ENOTSUP')) throw error;
    }
  }
}

function attributesOf(path: Buffer): readonly string[] {
  try {
    return llistxattr(path);
  } catch (error) {
    if (isErrno(error, 'EOPNOTSUPP') || isErrno(error, 'ENOTSUP')) return [];
    throw error;
  }
}

function restoreTimes(directory: Fd, name: Buffer, { atimeNs, mtimeNs }: BigIntStats): void {
  utimensat(directory, name, timestamp(atimeNs), timestamp(mtimeNs), AT_SYMLINK_NOFOLLOW);
}

const DOT = Buffer.from('.');
const SLASH = Buffer.from('/');
const BILLION = 1_000_000_000n;

/** One name in an open directory, for calls that take a path: its last part is the name, which the callers of these do not follow. */
const fdPath = (directory: Fd, name: Buffer): Buffer => Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), name]);
const identity = ({ dev, ino }: BigIntStats): string => `${dev}:${ino}`;
/** makedev(3), glibc */
const major = (device: bigint): bigint => ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
const minor = (device: bigint): bigint => (device & 0xffn) | ((device >> 12n) & 0xffffff00n);

function timestamp(nanoseconds: bigint): { readonly seconds: number; readonly nanoseconds: number } {
  const seconds = nanoseconds >= 0n ? nanoseconds / BILLION : -((-nanoseconds + BILLION - 1n) / BILLION);
  return { seconds: Number(seconds), nanoseconds: Number(nanoseconds - seconds * BILLION) };
}
