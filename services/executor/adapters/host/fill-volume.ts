import { closeSync, constants, existsSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { openat2, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import { copyTree } from '../trees/copy-tree.js';
import { mergeLayers } from '../trees/merge-layers.js';
import { type Layers, withMergedView } from '../trees/merged-view.js';
import { emptyDirectory } from '../trees/remove-tree.js';

export interface FillJob {
  readonly image: Layers & { readonly driver: 'overlay2' | 'vfs' };
  /** Where the container has the volume. */
  readonly path: string;
  /** The volume's own directory, with `_data` in it. */
  readonly volume: string;
}

/**
 * Fills an empty volume with what the image holds at `path`, the directory's own owner and mode included. A volume that holds something, or a path that is no
 * directory of the image: nothing happens. A file beside the data says that a copy is under way: half of one, left by a crash, is thrown away and made again.
 */
export function fillVolume({ image, path, volume }: FillJob): void {
  const unfinished = unfinishedCopy(volume);
  const data = openSync(`${volume}/_data`, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    if (existsSync(unfinished)) emptyDirectory(data);
    else if (readdirSync(`/proc/self/fd/${data}`).length > 0) return;
    lookAtImage(image, volume, (root) => {
      const source = openDirectory(root, path);
      if (source === undefined) return;
      try {
        writeFileSync(unfinished, '', { flush: true });
        copyTree(source, data);
      } finally {
        closeSync(source);
      }
    });
    rmSync(unfinished, { force: true });
  } finally {
    closeSync(data);
  }
}

/** A file that is there while a volume is filled. */
export const unfinishedCopy = (volume: string): string => `${volume}/filling`;

/** Without an overlay the layers are copied over one another beside the volume, for this once. */
function lookAtImage(image: FillJob['image'], volume: string, look: (root: Fd) => void): void {
  if (image.driver === 'overlay2' || image.layers.length === 1) {
    withMergedView(image, look);
    return;
  }
  const target = `${volume}/image`;
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  try {
    mergeLayers({ ...image, target });
    withMergedView({ directory: '/', layers: [target] }, look);
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}

/** Symlinks mean what they would in the container. */
function openDirectory(root: Fd, path: string): Fd | undefined {
  try {
    return openat2(root, path, constants.O_RDONLY | constants.O_DIRECTORY, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].some((code) => isErrno(error, code))) return undefined;
    throw error;
  }
}
