import { closeSync, constants, openSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { O_PATH } from '#libs/linux/directory-entries.js';
import { MNT_DETACH, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, umount2 } from '#libs/linux/mounts.js';
import type { Fd } from '#libs/linux/native.js';
import { mountOverlay } from './mount-overlay.js';

export interface Layers {
  /** Names in `layers` are below it. */
  readonly directory: string;
  /** Top first; a container's own upper directory may be the first, by its absolute path. */
  readonly layers: readonly string[];
}

/**
 * What a container made of these layers would see as its root: given to `look` as a descriptor, in the calling thread's own mount namespace, where it is mounted
 * nowhere any more. Only on a thread of TreeThreads.
 */
export function withMergedView<T>(layers: Layers, look: (root: Fd) => T): T {
  const root = openMergedView(layers);
  try {
    return look(root);
  } finally {
    closeSync(root);
  }
}

/** As `withMergedView`, for a caller that closes it itself. */
export function openMergedView({ directory, layers }: Layers): Fd {
  const flags = O_PATH | constants.O_DIRECTORY;
  const [first] = layers;
  // An overlay without an upper directory wants two lower ones.
  if (layers.length === 1 && first !== undefined) return openSync(isAbsolute(first) ? first : join(directory, first), flags);
  mountOverlay({ baseDirectory: directory, lower: layers }, directory, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
  try {
    return openSync(directory, flags);
  } finally {
    umount2(directory, MNT_DETACH);
  }
}
