import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { mergeTree } from './copy-tree.js';
import type { Layers } from './merged-view.js';

export interface MergeJob extends Layers {
  /** Empty, and the caller's alone. */
  readonly target: string;
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Copies layers over one another, the bottom one first: what an overlay of them would show. */
export function mergeLayers({ directory, layers, target }: MergeJob): void {
  const to = openSync(target, DIRECTORY);
  try {
    for (const layer of layers.toReversed()) {
      const from = openSync(join(directory, layer), DIRECTORY);
      try {
        mergeTree(from, to);
      } finally {
        closeSync(from);
      }
    }
  } finally {
    closeSync(to);
  }
}
