import { closeSync, constants, fstatSync, readdirSync, readlinkSync, readSync, type BigIntStats } from 'node:fs';
import { conflict } from '#libs/errors/errors.js';
import { O_PATH, openat2, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS } from '#libs/linux/directory-entries.js';
import { lgetxattr, llistxattr } from '#libs/linux/extended-attributes.js';
import { statfsMagic } from '#libs/linux/mounts.js';
import type { Fd } from '#libs/linux/native.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import type { TarEntryType } from '#libs/oci/tar-entry.js';
import type { TarMember } from '#libs/oci/tar-writer.js';
import { openFound } from './open-found.js';
import type { Found } from './path-stat.js';

export const ONE_NAME = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
const CHUNK_BYTES = 1 << 18;
/** Others copy on the same thread meanwhile. */
const LEASE_WITHIN_MS = 500;
const LEASE_PAUSE_MS = 5;
const NEVER = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
/** As deep as a path can be, PATH_MAX of one-letter names. */
export const DEEPEST = 2048;
/** What the kernel makes up (linux/magic.h): proc, sysfs, cgroup, cgroup2, devpts, mqueue. Nothing of it belongs into an archive. */
const MADE_UP = new Set([0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x1cd1, 0x19800202]);
const TMPFS = 0x01021994;

export const isMadeUp = (fd: Fd): boolean => MADE_UP.has(statfsMagic(`/proc/self/fd/${fd}`));

export interface ArchiveRules {
  /** What the members' paths begin with: of a directory "name/", of the root "/", for an export "". */
  readonly prefix: string;
  /** Mounts are empty, as the places they are on. */
  readonly stays: boolean;
  /** A container's whole root: /dev of one that runs is made by its start, and empty in it. Who unpacks it need not be root, and only root can make devices. */
  readonly isRoot: boolean;
}

/** What the members of one archive share. */
export interface Archive {
  /** Where a file with more than one name was put. */
  readonly files: Map<string, Buffer>;
  /** Attributes that users set are kept, as a layer keeps them. */
  readonly userAttributes: boolean;
}

interface TreeArchive extends ArchiveRules, Archive {
  readonly device: bigint;
}

/**
 * What was found, and all below it, as members of a tar archive. The tree may change meanwhile and nobody vouches for it: all is reached by one name in an open
 * directory. What goes away meanwhile is left out; a file that shrinks is filled up with zeros, since its size is out. Sockets are left out.
 */
export function* archiveMembers(found: Found, parent: Fd | undefined, rules: ArchiveRules): Generator<TarMember, void, void> {
  const { facts, fd } = found;
  const archive: TreeArchive = { ...rules, files: new Map(), userAttributes: false, device: facts.dev };
  if (!facts.isDirectory()) {
    if (parent !== undefined) yield* entry(parent, found.name, Buffer.from(found.stat.name), archive, 0);
    return;
  }
  if (rules.prefix !== '') yield { ...described(facts), path: rules.prefix, type: 'directory' };
  if (isMadeUp(fd)) return;
  const directory = openat2(fd, '.', constants.O_RDONLY | constants.O_DIRECTORY, 0, ONE_NAME);
  try {
    yield* entries(directory, Buffer.from(rules.prefix), archive, 0);
  } finally {
    closeSync(directory);
  }
}

function* entries(directory: Fd, prefix: Buffer, archive: TreeArchive, depth: number): Generator<TarMember, void, void> {
  if (depth > DEEPEST) throw new Error(`a directory tree is more than ${DEEPEST} levels deep`);
  for (const name of namesIn(directory)) yield* entry(directory, name, Buffer.concat([prefix, name]), archive, depth);
}

function* entry(directory: Fd, name: Buffer, path: Buffer, archive: TreeArchive, depth: number): Generator<TarMember, void, void> {
  const fd = openName(directory, name, O_PATH | constants.O_NOFOLLOW, RESOLVE_BENEATH);
  if (fd === undefined) return;
  try {
    const facts = fstatSync(fd, { bigint: true });
    const isMount = archive.stays && facts.dev !== archive.device;
    if (isMount && facts.isFile()) yield { ...described(facts), path, type: 'file', sizeBytes: 0 };
    else yield* memberOf({ directory, name, fd }, facts, path, archive);
    if (facts.isDirectory() && !isMount && !isMadeUp(fd) && !(depth === 0 && isDevices(fd, name, facts, archive))) yield* below(directory, name, path, archive, depth);
  } catch (error) {
    if (!isReplaced(error)) throw error;
  } finally {
    closeSync(fd);
  }
}

/** What had a name is gone, or was a symlink and is none any more (readlink(2)). */
export const isReplaced = (error: unknown): boolean => error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EINVAL');

const isDevices = (fd: Fd, name: Buffer, { dev }: BigIntStats, { isRoot, device }: TreeArchive): boolean => isRoot && dev !== device && String(name) === 'dev' && statfsMagic(`/proc/self/fd/${fd}`) === TMPFS;

export interface Entry {
  readonly directory: Fd;
  readonly name: Buffer;
  /** O_PATH, of what had the name when it was looked at. */
  readonly fd: Fd;
}

/** One entry of an open directory, without what is below it. Nothing where it is a socket. */
export function* memberOf({ directory, name, fd }: Entry, facts: BigIntStats, path: Buffer, archive: Archive): Generator<TarMember, void, void> {
  const base = { ...described(facts), path };
  const at = Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), name]);
  if (facts.isDirectory()) {
    yield { ...base, ...(archive.userAttributes ? attributesOf(at, archive) : {}), path: Buffer.concat([path, SLASH]), type: 'directory' };
  } else if (facts.isFile()) {
    const identity = `${facts.dev}:${facts.ino}`;
    const known = facts.nlink > 1n ? archive.files.get(identity) : undefined;
    if (known !== undefined) return yield { ...base, type: 'hardlink', linkTarget: known };
    yield* file(fd, { ...base, ...attributesOf(at, archive) });
    if (facts.nlink > 1n) archive.files.set(identity, path);
  } else if (facts.isSymbolicLink()) {
    yield { ...base, type: 'symlink', linkTarget: readlinkSync(at, { encoding: 'buffer' }) };
  } else if (!facts.isSocket()) {
    const type: TarEntryType = facts.isFIFO() ? 'fifo' : facts.isBlockDevice() ? 'block' : 'character';
    yield { ...base, type, major: Number(major(facts.rdev)), minor: Number(minor(facts.rdev)) };
  }
}

/** Of a file or directory. */
function attributesOf(path: Buffer, { userAttributes }: Archive): Pick<TarMember, 'xattrs'> {
  const names = userAttributes ? listedAttributes(path) : ['security.capability'];
  const xattrs = new Map<string, Buffer>();
  for (const name of names) {
    if (name !== 'security.capability' && !(name.startsWith('user.') && !name.startsWith('user.overlay.'))) continue;
    const value = lgetxattr(path, name);
    if (value !== undefined) xattrs.set(name, value);
  }
  return xattrs.size === 0 ? {} : { xattrs };
}

function listedAttributes(path: Buffer): readonly string[] {
  try {
    return llistxattr(path);
  } catch (error) {
    if (isErrno(error, 'EOPNOTSUPP') || isErrno(error, 'ENOTSUP')) return [];
    throw error;
  }
}

/** In order, so that an archive of the same tree is the same archive. */
export function namesIn(directory: Fd): Buffer[] {
  return readdirSync(`/proc/self/fd/${directory}`, { encoding: 'buffer' }).sort(Buffer.compare);
}

function* below(directory: Fd, name: Buffer, path: Buffer, archive: TreeArchive, depth: number): Generator<TarMember, void, void> {
  const inside = openName(directory, name, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW, ONE_NAME);
  if (inside === undefined) return;
  try {
    yield* entries(inside, Buffer.concat([path, SLASH]), archive, depth + 1);
  } finally {
    closeSync(inside);
  }
}

function* file(found: Fd, base: TarMember): Generator<TarMember, void, void> {
  const fd = openUnleased(found, base.path);
  if (fd === undefined) return;
  try {
    const { size } = fstatSync(fd);
    yield { ...base, type: 'file', sizeBytes: size, body: contents(fd, size) };
  } finally {
    closeSync(fd);
  }
}

/** Who has a lease of the file (fcntl(2), F_SETLEASE) is asked for it by the first attempt: a file server gives it back at once, and anybody else is not waited for. */
function openUnleased(found: Fd, path: Buffer | string): Fd | undefined {
  for (const deadline = performance.now() + LEASE_WITHIN_MS; ; Atomics.wait(NEVER, 0, 0, LEASE_PAUSE_MS)) {
    try {
      return openFound(found);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      if (performance.now() > deadline) throw conflict(`${String(path)} cannot be read: a process has a lease of it, and keeps it`);
    }
  }
}

/** Exactly `size` bytes. */
async function* contents(fd: Fd, size: number): AsyncGenerator<Buffer, void, void> {
  for (let left = size; left > 0; ) {
    const chunk = Buffer.alloc(Math.min(left, CHUNK_BYTES));
    const length = readSync(fd, chunk, 0, chunk.length, null);
    yield length === 0 ? chunk : chunk.subarray(0, length);
    left -= length || chunk.length;
  }
}

/** Undefined: it is gone, or another thing by now. */
export function openName(directory: Fd, name: Buffer, flags: number, resolve: number): Fd | undefined {
  try {
    return openat2(directory, name, flags, 0, resolve);
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENOTDIR', 'ENXIO'].some((code) => isErrno(error, code))) return undefined;
    throw error;
  }
}

function described({ mode, uid, gid, mtimeNs }: BigIntStats): Pick<TarMember, 'mode' | 'uid' | 'gid' | 'mtime'> {
  const seconds = mtimeNs >= 0n ? mtimeNs / BILLION : -((-mtimeNs + BILLION - 1n) / BILLION);
  return { mode: Number(mode & 0o7777n), uid: Number(uid), gid: Number(gid), mtime: { seconds: Number(seconds), nanoseconds: Number(mtimeNs - seconds * BILLION) } };
}

const SLASH = Buffer.from('/');
const BILLION = 1_000_000_000n;
/** makedev(3), glibc */
const major = (device: bigint): bigint => ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
const minor = (device: bigint): bigint => (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
