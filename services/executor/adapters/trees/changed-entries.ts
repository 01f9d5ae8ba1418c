import { type BigIntStats, closeSync, constants, fstatSync } from 'node:fs';
import type { PathChange } from '#contracts/executor/archives.js';
import { O_PATH, RESOLVE_BENEATH } from '#libs/linux/directory-entries.js';
import { lgetxattr } from '#libs/linux/extended-attributes.js';
import type { Fd } from '#libs/linux/native.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import { DEEPEST, namesIn, ONE_NAME, openName } from './archive-tree.js';

/** What a walk over a container's own files comes upon. `directory` is open until the next one is asked for, and while what is below it is walked. */
export interface ChangedEntry {
  /** `same`: a directory that may hold changes. */
  readonly kind: PathChange['kind'] | 'same';
  /** From the root, "/etc/passwd". */
  readonly path: Buffer;
  readonly directory: Fd;
  readonly name: Buffer;
  /** Of what is there now; absent where it is gone. */
  readonly facts?: BigIntStats;
}

/** What the container wrote: an overlay's upper directory, or all that it has. */
export type Written = 'upper' | 'whole';

/**
 * All that is not as the image has it (`base`; absent: an image without layers), by dockerd's comparison of two trees (pkg/archive, changes): of files owner, mode,
 * size, time and capabilities count, of directories neither size nor time. Directories come before what is in them, names in order, and one that is the same only
 * where something in it is not. Neither tree is trusted: all is reached by one name in an open directory.
 */
export function changedEntries(tree: Fd, base: Fd | undefined, written: Written): Generator<ChangedEntry, void, void> {
  return withoutEmpty(entriesIn({ tree, base, path: Buffer.alloc(0), depth: 0, written, hides: written === 'whole' }));
}

interface Pair {
  readonly tree: Fd;
  readonly base: Fd | undefined;
  readonly path: Buffer;
  readonly depth: number;
  readonly written: Written;
  /** What the image has here and `tree` has not, is gone. */
  readonly hides: boolean;
}

function* entriesIn(pair: Pair): Generator<ChangedEntry, void, void> {
  const { tree, base, depth } = pair;
  if (depth > DEEPEST) throw new Error(`a directory tree is more than ${DEEPEST} levels deep`);
  const names = namesIn(tree);
  for (const name of pair.hides && base !== undefined ? united(names, namesIn(base)) : names) {
    const entry = { path: Buffer.concat([pair.path, SLASH, name]), directory: tree, name };
    const [facts, image] = [factsOf(tree, name), factsOf(base, name)];
    if (facts === undefined || (pair.written === 'upper' && isWhiteout(facts))) {
      if (image !== undefined) yield { ...entry, kind: 'deleted' };
      continue;
    }
    const kind = image === undefined ? (isPlaceholder(entry.path, facts) ? 'same' : 'added') : differs(pair, name, facts, image) ? 'modified' : 'same';
    if (kind !== 'same' || facts.isDirectory()) yield { ...entry, facts, kind };
    if (facts.isDirectory()) yield* below(pair, name, entry.path);
  }
}

function* below(pair: Pair, name: Buffer, path: Buffer): Generator<ChangedEntry, void, void> {
  const tree = openDirectory(pair.tree, name);
  if (tree === undefined) return; // another thing by now
  const base = openDirectory(pair.base, name);
  try {
    yield* entriesIn({ ...pair, tree, base, path, depth: pair.depth + 1, hides: pair.hides || isOpaque(pair.tree, name) });
  } finally {
    closeSync(tree);
    if (base !== undefined) closeSync(base);
  }
}

function* withoutEmpty(entries: Iterable<ChangedEntry>): Generator<ChangedEntry, void, void> {
  let waiting: ChangedEntry[] = [];
  for (const entry of entries) {
    waiting = waiting.filter(({ path }) => isBelow(entry.path, path));
    if (entry.kind === 'same') waiting.push(entry);
    else {
      yield* waiting;
      waiting = [];
      yield entry;
    }
  }
}

function differs(pair: Pair, name: Buffer, one: BigIntStats, other: BigIntStats): boolean {
  if (one.mode !== other.mode || one.uid !== other.uid || one.gid !== other.gid || one.rdev !== other.rdev) return true;
  if (one.isDirectory()) return false;
  if (!sameTime(one.mtimeNs, other.mtimeNs) || one.size !== other.size) return true;
  return one.isFile() && attribute(pair.tree, name, 'security.capability') !== attribute(pair.base, name, 'security.capability');
}

/** Some archives hold whole seconds alone. */
function sameTime(one: bigint, other: bigint): boolean {
  const [part, otherPart] = [one % BILLION, other % BILLION];
  return one / BILLION === other / BILLION && (part === otherPart || part === 0n || otherPart === 0n);
}

/** What every container gets mounts on or has for what it is: an engine makes them where the image has none, and they are nobody's change (dockerd has them in a layer of its own). */
const MADE_PLACES = new Set(['/.dockerenv', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', '/dev/console', '/proc', '/sys', '/etc', '/etc/hosts', '/etc/hostname', '/etc/resolv.conf']);

const isPlaceholder = (path: Buffer, facts: BigIntStats): boolean =>
  facts.isSymbolicLink() ? path.toString('latin1') === '/etc/mtab' && facts.size === BigInt('/proc/mounts'.length) : MADE_PLACES.has(path.toString('latin1')) && (facts.isDirectory() || (facts.isFile() && facts.size === 0n));
const isWhiteout = (facts: BigIntStats): boolean => facts.isCharacterDevice() && facts.rdev === 0n;
const isOpaque = (directory: Fd, name: Buffer): boolean => attribute(directory, name, 'trusted.overlay.opaque') === 'y';
const isBelow = (path: Buffer, directory: Buffer): boolean => path.length > directory.length && path[directory.length] === 0x2f && path.subarray(0, directory.length).equals(directory);

/** Both in order. */
function united(names: readonly Buffer[], more: readonly Buffer[]): Buffer[] {
  const known = new Set(names.map((name) => name.toString('latin1')));
  return [...names, ...more.filter((name) => !known.has(name.toString('latin1')))].sort(Buffer.compare);
}

/** What has this name, not followed. Undefined: nothing. */
function factsOf(directory: Fd | undefined, name: Buffer): BigIntStats | undefined {
  const fd = directory === undefined ? undefined : openName(directory, name, O_PATH | constants.O_NOFOLLOW, RESOLVE_BENEATH);
  if (fd === undefined) return undefined;
  try {
    return fstatSync(fd, { bigint: true });
  } finally {
    closeSync(fd);
  }
}

/** Undefined: there is no directory of this name. The caller closes it. */
function openDirectory(directory: Fd | undefined, name: Buffer): Fd | undefined {
  return directory === undefined ? undefined : openName(directory, name, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW, ONE_NAME);
}

/** One byte a character; '' where there is none. */
function attribute(directory: Fd | undefined, name: Buffer, attributeName: string): string {
  if (directory === undefined) return '';
  try {
    return lgetxattr(Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), name]), attributeName)?.toString('latin1') ?? '';
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTSUP') || isErrno(error, 'EOPNOTSUPP')) return '';
    throw error;
  }
}

const SLASH = Buffer.from('/');
const BILLION = 1_000_000_000n;
