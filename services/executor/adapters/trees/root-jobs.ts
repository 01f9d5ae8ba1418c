import { accessSync, type BigIntStats, closeSync, constants, fstatSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { PathStat } from '#contracts/containers/archives.js';
import type { IdMaps } from '#contracts/executor/id-maps.js';
import { BerthError, invalid, notFound, unclassified } from '#libs/errors/errors.js';
import { O_PATH } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';
import { isErrno, SystemCallError } from '#libs/linux/system-call-error.js';
import { toToldEnd } from '#libs/messaging/told-end.js';
import { decompressed } from '#libs/oci/decompress.js';
import { type TarMember, writeTar } from '#libs/oci/tar-writer.js';
import { insideId } from '#libs/settings/subordinate-ids.js';
import { Readable } from 'node:stream';
import { applyArchive, type ArchiveWishes } from '../snapshots/apply-layer.js';
import { LayerTree } from '../snapshots/layer-tree.js';
import { archiveMembers, isMadeUp } from './archive-tree.js';
import { type ClientEnd, receivedFrom, sendTo } from './client-bytes.js';
import { idsOf, inRoot, type RootJob, withContainerRoot } from './container-root.js';
import { findPath } from './path-stat.js';

const OVERFLOW_ID = 65_534;

export interface PathJob {
  readonly root: RootJob;
  readonly path: string;
}

/** What is at a path of a container. */
export function statPath({ root, path }: PathJob): Promise<PathStat> {
  return withContainerRoot(root, (fd) => {
    const found = findPath(fd, path);
    closeSync(found.fd);
    return found.stat;
  });
}

export interface ReadJob extends PathJob {
  readonly exports: boolean;
  readonly client: ClientEnd;
}

/** Sends what is at a path, and all below it, as a tar archive. Rejects when it could not all be sent. */
export function readArchive({ root, path, exports, client }: ReadJob): Promise<void> {
  return withContainerRoot(root, async (fd) => {
    const found = findPath(fd, path);
    const parent = found.facts.isDirectory() ? undefined : inRoot(fd, posix.dirname(posix.join('/', path)), O_PATH | constants.O_DIRECTORY);
    try {
      const prefix = exports ? '' : found.stat.name === '/' ? '/' : `${found.stat.name}/`;
      await sendTo(client, writeTar(membersInside(archiveMembers(found, parent, { prefix, stays: exports, isRoot: isSame(found.facts, fstatSync(fd, { bigint: true })) }), idsOf(root))));
    } finally {
      closeSync(found.fd);
      if (parent !== undefined) closeSync(parent);
    }
  });
}

const isSame = (one: BigIntStats, other: BigIntStats): boolean => one.dev === other.dev && one.ino === other.ino;

/** With the ids that the container has for their owners; who has none in there is the overflow id, as the kernel has it (user_namespaces(7)). */
function* membersInside(members: Iterable<TarMember>, ids: IdMaps | undefined): Generator<TarMember, void, void> {
  for (const member of members) yield ids ? { ...member, uid: insideId(ids.uids, member.uid ?? 0) ?? OVERFLOW_ID, gid: insideId(ids.gids, member.gid ?? 0) ?? OVERFLOW_ID } : member;
}

export interface ExtractJob extends PathJob, ArchiveWishes {
  /** Sends the archive, compressed or not. */
  readonly client: ClientEnd;
}

/** Whether an archive may go to a path: throws not-found or invalid, with dockerd's words. */
export function checkTarget({ root, path }: PathJob): Promise<void> {
  return withContainerRoot(root, (fd) => closeSync(openTarget(fd, path)));
}

export async function extractArchive({ root, path, client, ...wishes }: ExtractJob): Promise<void> {
  const source = toToldEnd(receivedFrom(client));
  try {
    await withContainerRoot(root, async (fd) => {
      const target = openTarget(fd, path);
      // A symlink that the archive's path goes through means what it does in the container, not what it would with the target as its root.
      const tree = new LayerTree(target, { root: fd, path: posix.join('/', path), admit: (directory) => refuseMadeUp(directory, path) });
      try {
        const ids = idsOf(root);
        await applyArchive(tree, await decompressed(Readable.from(source)), { ...wishes, ...(ids ? { ids } : {}) });
      } catch (error) {
        // It was none at the path itself: the archive has something for a place further down.
        if (error instanceof SystemCallError && error.code === 'EROFS') throw unclassified(`the archive goes to what is marked read-only: ${error.message}`, error);
        // What is wrong in an archive dockerd tells as it does its own faults.
        throw error instanceof BerthError && error.kind === 'invalid' ? unclassified(error.message, error) : error;
      } finally {
        tree.close();
        closeSync(target);
      }
    });
  } finally {
    await source.return();
  }
}

function openTarget(root: Fd, path: string): Fd {
  let target: Fd;
  try {
    target = inRoot(root, posix.join('/', path), constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (isErrno(error, 'ENOTDIR')) throw notADirectory(root, path, error);
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ELOOP')) throw notFound(`there is no ${path}`);
    throw error;
  }
  try {
    if (isReadOnly(target)) throw invalid(mountOf(target) === mountOf(root) ? 'container rootfs is marked read-only' : 'mounted volume is marked read-only');
    refuseMadeUp(target, path);
    return target;
  } catch (error) {
    closeSync(target);
    throw error;
  }
}

/** What dockerd says of a file in the place of a directory: it knows whose mistake that is where nothing follows alone. */
function notADirectory(root: Fd, path: string, cause: unknown): BerthError {
  if (/\/\.?$/.test(path)) return unclassified(`lstat ${path}: not a directory`, cause);
  try {
    closeSync(inRoot(root, posix.join('/', path), O_PATH));
  } catch {
    return unclassified('not a directory', cause);
  }
  return invalid('extraction point is not a directory', cause);
}

/** The container may have led the path there, and this writes with the executor's rights. */
function refuseMadeUp(directory: Fd, path: string): void {
  if (isMadeUp(directory)) throw invalid(`nothing can be copied into ${path}: it is the kernel's`);
}

/** Whatever path led there: the mount is asked. */
function isReadOnly(directory: Fd): boolean {
  try {
    accessSync(`/proc/self/fd/${directory}`, constants.W_OK);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EROFS';
  }
}

const mountOf = (fd: Fd): string | undefined => /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
