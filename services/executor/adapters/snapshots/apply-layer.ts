import { closeSync, constants, fchmodSync, fchownSync, fstatSync, writeSync } from 'node:fs';
import type { IdMaps } from '#contracts/executor/id-maps.js';
import { invalid } from '#libs/errors/errors.js';
import { AT_SYMLINK_NOFOLLOW, fchownat, linkat, mkdirat, mknodat, symlinkat, utimensat } from '#libs/linux/directory-entries.js';
import { fsetxattr } from '#libs/linux/extended-attributes.js';
import { capabilitiesOf } from '#libs/linux/file-capabilities.js';
import type { Fd } from '#libs/linux/native.js';
import { makeSpecialFile } from '#libs/linux/special-file.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import { makingFilesAs } from '#libs/linux/user-namespace.js';
import type { TarTime } from '#libs/oci/tar-entry.js';
import { readTar, type TarEntry } from '#libs/oci/tar-reader.js';
import { outsideId } from '#libs/settings/subordinate-ids.js';
import { LayerTree, pathDescriptor } from './layer-tree.js';
import { bytesOf, treePath, type TreePath } from './tree-path.js';

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** Other names of AUFS's own bookkeeping. */
const AUFS = '.wh..wh.';
const OVERLAY_OPAQUE = 'trusted.overlay.opaque';
const YES = Buffer.from('y');

interface DirectoryTime {
  readonly path: TreePath;
  readonly mtime: TarTime;
}

/**
 * Writes a layer's changeset (image-spec, layer.md) below `root`, an empty directory that is to become a lower directory of an overlay: a whiteout becomes a
 * character device 0:0, an opaque directory has an attribute. Resolves to the bytes of all files. Throws invalid for what no layer may hold, SystemCallError otherwise.
 */
export async function applyLayer(root: string, tar: AsyncIterable<Uint8Array>): Promise<number> {
  const tree = new LayerTree(root);
  const times: DirectoryTime[] = [];
  const hidden = new Set<string>();
  let sizeBytes = 0;
  try {
    for await (const entry of readTar(tar)) {
      sizeBytes += entry.sizeBytes;
      const path = treePath(entry.path);
      const name = path.at(-1);
      if (name === undefined) applyToRoot(tree, entry, times);
      else if (name.startsWith(WHITEOUT)) hide(tree, path, hidden);
      else await make(tree, path, entry, hidden, times)?.();
    }
    // Whatever was made in a directory changed its time, so theirs come last; one that was replaced since has lost its claim.
    for (const { path, mtime } of times.reverse()) restoreTime(tree, path, mtime);
    return sizeBytes;
  } finally {
    tree.close();
  }
}

export interface ArchiveWishes {
  /** A directory is not replaced by what is none, nor the other way around. */
  readonly keepsKinds: boolean;
  /** The owner of all files; absent: the owner that the archive names. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Of the user namespace whose ids the archive and the owner have; absent: the host's. */
  readonly ids?: IdMaps;
}

/** Writes a plain archive into a directory in which something may be already, as `docker cp` does: no name in it means anything but itself, the directory stays as it is. */
export async function applyArchive(tree: LayerTree, tar: AsyncIterable<Uint8Array>, { keepsKinds, owner, ids }: ArchiveWishes): Promise<void> {
  const times: DirectoryTime[] = [];
  for await (const entry of readTar(tar)) {
    const path = treePath(entry.path);
    if (path.length === 0) continue;
    const owned = owner ? { ...entry, ...owner } : entry;
    const mapped = ids ? mappedTo(ids, owned) : owned;
    const fill = makingFilesIn(ids, () => {
      if (keepsKinds) refuseOtherKind(tree, path, entry);
      return make(tree, path, mapped, new Set(), times);
    });
    await fill?.();
  }
  for (const { path, mtime } of times.reverse()) restoreTime(tree, path, mtime);
}

/** What `make` makes belongs to the namespace's root at first: a mount with its ids knows no others. */
function makingFilesIn<T>(ids: IdMaps | undefined, make: () => T): T {
  return ids ? makingFilesAs({ uid: outsideId(ids.uids, 0) ?? 0, gid: outsideId(ids.gids, 0) ?? 0 }, make) : make();
}

function mappedTo(ids: IdMaps, entry: TarEntry): TarEntry {
  const capabilities = entry.xattrs.get('security.capability');
  const xattrs = capabilities === undefined ? entry.xattrs : new Map([...entry.xattrs, ['security.capability', capabilitiesOf(capabilities, onHost(ids.uids, 0))]]);
  return { ...entry, uid: onHost(ids.uids, entry.uid), gid: onHost(ids.gids, entry.gid), xattrs };
}

/** In dockerd's words. */
function onHost(map: IdMaps['uids'], id: number): number {
  const outside = outsideId(map, id);
  if (outside === undefined) throw invalid(`Container ID ${id} cannot be mapped to a host ID`);
  return outside;
}

function refuseOtherKind(tree: LayerTree, path: TreePath, entry: TarEntry): void {
  const parent = tree.directory(path.slice(0, -1), true);
  const there = pathDescriptor(parent, path.at(-1)!);
  if (there === undefined) return;
  try {
    const isDirectoryThere = fstatSync(there).isDirectory();
    if (isDirectoryThere === (entry.type === 'directory')) return;
    const [one, other] = isDirectoryThere ? ['directory', 'non-directory'] : ['non-directory', 'directory'];
    throw invalid(`cannot overwrite ${one} "${path.map((part) => `/${part}`).join('')}" with ${other} "${path.join('/')}"`);
  } finally {
    closeSync(there);
  }
}

function applyToRoot(tree: LayerTree, entry: TarEntry, times: DirectoryTime[]): void {
  if (entry.type !== 'directory') throw invalid('the layer has a root that is no directory');
  describe(tree.rootDirectory, entry);
  times.push({ path: [], mtime: entry.mtime });
}

/** A whiteout hides what lower layers hold, never what this layer does (layer.md, "Whiteouts"). */
function hide(tree: LayerTree, path: TreePath, hidden: Set<string>): void {
  const mark = path.at(-1)!;
  const parentPath = path.slice(0, -1);
  const parent = tree.directory(parentPath, true);
  if (mark === OPAQUE) {
    fsetxattr(parent, OVERLAY_OPAQUE, YES);
    return;
  }
  if (mark.startsWith(AUFS)) return;
  const name = mark.slice(WHITEOUT.length);
  if (name === '' || name === '.' || name === '..') throw invalid(`the layer has a whiteout of "${name}"`);
  hidden.add([...parentPath, name].join('/'));
  try {
    mknodat(parent, bytesOf(name), constants.S_IFCHR, 0, 0);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    makeOpaque(tree, parent, name);
  }
}

/** A directory of this layer under which nothing of the layers below shows; anything else hides them by being there. */
function makeOpaque(tree: LayerTree, parent: Fd, name: string): void {
  let directory: Fd;
  try {
    directory = tree.openName(parent, name, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (isErrno(error, 'ENOTDIR') || isErrno(error, 'ELOOP')) return;
    throw error;
  }
  try {
    fsetxattr(directory, OVERLAY_OPAQUE, YES);
  } finally {
    closeSync(directory);
  }
}

/** Makes all but the contents of a file, for which it returns what writes them: that takes as long as they take to come. */
function make(tree: LayerTree, path: TreePath, entry: TarEntry, hidden: ReadonlySet<string>, times: DirectoryTime[]): (() => Promise<void>) | undefined {
  const name = path.at(-1)!;
  const parentPath = path.slice(0, -1);
  const parent = tree.directory(parentPath, true);
  switch (entry.type) {
    case 'directory': {
      const wasHidden = hidden.size > 0 && hidden.has(path.join('/'));
      makeDirectory(tree, parent, name, entry, wasHidden);
      times.push({ path, mtime: entry.mtime });
      return undefined;
    }
    case 'file':
      return makeFile(tree, parentPath, name, entry);
    case 'hardlink':
      makeHardLink(tree, parentPath, name, entry);
      return undefined;
    case 'symlink':
      replacing(tree, parent, name, () => symlinkat(entry.linkTarget, parent, bytesOf(name)));
      fchownat(parent, bytesOf(name), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW);
      break;
    case 'character':
    case 'block':
    case 'fifo': {
      const kind = { character: constants.S_IFCHR, block: constants.S_IFBLK, fifo: constants.S_IFIFO }[entry.type];
      const { mode, uid, gid, major, minor } = entry;
      replacing(tree, parent, name, () => makeSpecialFile(parent, bytesOf(name), { mode: kind | mode, uid, gid, major, minor }));
      break;
    }
  }
  utimensat(parent, bytesOf(name), entry.mtime, entry.mtime, AT_SYMLINK_NOFOLLOW);
  return undefined;
}

function makeDirectory(tree: LayerTree, parent: Fd, name: string, entry: TarEntry, opaque: boolean): void {
  try {
    mkdirat(parent, bytesOf(name), 0o700);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    if (!isDirectory(parent, name)) {
      tree.remove(parent, name);
      mkdirat(parent, bytesOf(name), 0o700);
    }
  }
  const directory = tree.openName(parent, name, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    describe(directory, entry);
    if (opaque) fsetxattr(directory, OVERLAY_OPAQUE, YES);
  } finally {
    closeSync(directory);
  }
}

function makeFile(tree: LayerTree, parentPath: TreePath, name: string, entry: TarEntry): () => Promise<void> {
  const parent = tree.directory(parentPath, true);
  const file = replacing(tree, parent, name, () => tree.openName(parent, name, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
  return async () => {
    try {
      for await (const chunk of entry.body) writeAll(file, chunk);
      describe(file, entry);
      utimensat(parent, bytesOf(name), entry.mtime, entry.mtime, AT_SYMLINK_NOFOLLOW);
    } finally {
      closeSync(file);
    }
  };
}

/** The other name is looked up below the root as well: `/etc/shadow` is the layer's own. */
function makeHardLink(tree: LayerTree, parentPath: TreePath, name: string, entry: TarEntry): void {
  const target = treePath(entry.linkTarget);
  const targetName = target.at(-1);
  if (targetName === undefined) throw invalid('the layer has a hard link to its root');
  let other: Fd | undefined;
  try {
    // The tree keeps one directory open: hold the target's by a descriptor of our own.
    other = tree.openName(tree.directory(target.slice(0, -1), false), '.', constants.O_RDONLY | constants.O_DIRECTORY);
    const from = other;
    const parent = tree.directory(parentPath, true);
    if (target.join('/') === [...parentPath, name].join('/')) return;
    replacing(tree, parent, name, () => linkat(from, bytesOf(targetName), parent, bytesOf(name), 0));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw invalid(`the layer has a hard link to ${entry.linkTarget.toString()}, which it does not hold`, error);
    throw error;
  } finally {
    if (other !== undefined) closeSync(other);
  }
}

/** An archive may hold a path twice: the later entry counts. */
function replacing<T>(tree: LayerTree, parent: Fd, name: string, create: () => T): T {
  try {
    return create();
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    tree.remove(parent, name);
    return create();
  }
}

/** Owner, then mode (a change of owner takes set-user-id away), then capabilities (which it takes away too). */
function describe(fd: Fd, entry: TarEntry): void {
  fchownSync(fd, entry.uid, entry.gid);
  fchmodSync(fd, entry.mode);
  for (const [name, value] of entry.xattrs) {
    // trusted.* and system.* are instructions to the kernel and the overlay: not for an image to give.
    if (name === 'security.capability') fsetxattr(fd, name, value);
    else if (name.startsWith('user.') && !name.startsWith('user.overlay.')) setOptional(fd, name, value);
  }
}

/** Some file systems know no user attributes; an image works without them. */
function setOptional(fd: Fd, name: string, value: Buffer): void {
  try {
    fsetxattr(fd, name, value);
  } catch (error) {
    if (!isErrno(error, 'ENOTSUP') && !isErrno(error, 'EOPNOTSUPP')) throw error;
  }
}

function writeAll(file: Fd, chunk: Buffer): void {
  for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
}

function isDirectory(parent: Fd, name: string): boolean {
  const fd = pathDescriptor(parent, name);
  if (fd === undefined) return false;
  try {
    return fstatSync(fd).isDirectory();
  } finally {
    closeSync(fd);
  }
}

function restoreTime(tree: LayerTree, path: TreePath, mtime: TarTime): void {
  const name = path.at(-1) ?? '.';
  try {
    utimensat(tree.directory(path.slice(0, -1), false), bytesOf(name), mtime, mtime, AT_SYMLINK_NOFOLLOW);
  } catch (error) {
    if (!isErrno(error, 'ENOENT') && !isErrno(error, 'ENOTDIR')) throw error;
  }
}
