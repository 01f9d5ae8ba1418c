import { closeSync, constants, fstatSync, readlinkSync, type BigIntStats } from 'node:fs';
import { posix } from 'node:path';
import type { PathStat } from '#contracts/containers/archives.js';
import { notFound, unclassified } from '#libs/errors/errors.js';
import { O_PATH } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import { isMadeUp } from './archive-tree.js';
import { inRoot } from './container-root.js';

/** What is at a path of the container: an O_PATH descriptor, which the caller closes, and what it is. */
export interface Found {
  readonly fd: Fd;
  /** In its directory. */
  readonly name: Buffer;
  readonly facts: BigIntStats;
  readonly stat: PathStat;
}

/**
 * Throws not-found, and as dockerd does where a file is in the way. What the kernel makes up is not there, but for the place that it is mounted on: dockerd sees the image's own directories there, and
 * neither sizes nor texts of such files are what they seem. The last part is followed where the path ends in "/" or "/." (dockerd, container/archive.go, ResolvePath).
 */
export function findPath(root: Fd, path: string): Found {
  const absolute = posix.join('/', path);
  const isDirectory = /(^|\/)\.?$/.test(path);
  const fd = open(root, path, isDirectory ? `${absolute}/.` : absolute, isDirectory ? O_PATH : O_PATH | constants.O_NOFOLLOW);
  try {
    const facts = fstatSync(fd, { bigint: true });
    if (isMadeUp(fd) && !isMountedThere(root, absolute, facts)) throw notFound(`there is no ${path}`);
    const name = /(^|\/)\.\/*$/.test(path) ? '.' : posix.basename(absolute) || '/';
    const linkTarget = facts.isSymbolicLink() ? whereTo(root, absolute) : '';
    return { fd, name: Buffer.from(posix.basename(absolute)), facts, stat: { name, sizeBytes: Number(facts.size), mode: Number(facts.mode), mtime: rfc3339(facts.mtimeNs), linkTarget } };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function open(root: Fd, asked: string, path: string, flags: number): Fd {
  try {
    return inRoot(root, path, flags);
  } catch (error) {
    if (isErrno(error, 'ENOTDIR')) throw unclassified(`lstat ${asked}: not a directory`, error);
    if (['ENOENT', 'ELOOP'].some((code) => isErrno(error, code))) throw notFound(`there is no ${path}`);
    throw error;
  }
}

/** Whether a directory is the top of a file system. */
function isMountedThere(root: Fd, path: string, facts: BigIntStats): boolean {
  if (!facts.isDirectory()) return false;
  const parent = inRoot(root, `${path}/..`, O_PATH);
  try {
    return fstatSync(parent, { bigint: true }).dev !== facts.dev;
  } finally {
    closeSync(parent);
  }
}

/** Through all links, one name at a time, as a text: what it leads to need not be there. */
function whereTo(root: Fd, path: string): string {
  let resolved = '/';
  const left = path.split('/').filter(Boolean);
  for (let steps = 0; left.length > 0 && steps < 1000; steps++) {
    const name = left.shift() ?? '';
    const next = posix.join(resolved, name);
    const target = name === '..' || name === '.' ? undefined : linkAt(root, next);
    if (target === undefined) resolved = next;
    else {
      left.unshift(...target.split('/').filter(Boolean));
      if (target.startsWith('/')) resolved = '/';
    }
  }
  return resolved;
}

function linkAt(root: Fd, path: string): string | undefined {
  try {
    const parent = inRoot(root, posix.dirname(path), O_PATH | constants.O_DIRECTORY);
    try {
      return readlinkSync(`/proc/self/fd/${parent}/${posix.basename(path)}`);
    } finally {
      closeSync(parent);
    }
  } catch {
    return undefined; // no symlink, or nothing of this name
  }
}

/** Nanoseconds since 1970. */
function rfc3339(nanoseconds: bigint): string {
  const milliseconds = nanoseconds / 1_000_000n;
  return new Date(Number(milliseconds)).toISOString().replace('Z', `${(nanoseconds % 1_000_000n).toString().padStart(6, '0')}Z`);
}
