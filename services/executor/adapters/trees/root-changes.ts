import { closeSync, constants, openSync } from 'node:fs';
import type { PathChange } from '#contracts/executor/archives.js';
import type { Fd } from '#libs/linux/native.js';
import { type ChangedEntry, changedEntries, type Written } from './changed-entries.js';
import { type Layers, openMergedView } from './merged-view.js';

export interface ChangesJob {
  readonly directory: string;
  readonly written: Written;
  readonly image: Layers;
}

/** What a container changed of its image, with the directories that it is in. The container may run meanwhile. */
export function listChanges(job: ChangesJob): Promise<readonly PathChange[]> {
  return withChanges(job, (entries) => Array.from(entries, ({ path, kind }) => ({ path: path.toString(), kind: kind === 'same' ? 'modified' : kind })));
}

export async function withChanges<T>({ directory, written, image }: ChangesJob, use: (entries: Iterable<ChangedEntry>) => Promise<T> | T): Promise<T> {
  const tree = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  let base: Fd | undefined;
  try {
    base = image.layers.length === 0 ? undefined : openMergedView(image);
    return await use(changedEntries(tree, base, written));
  } finally {
    closeSync(tree);
    if (base !== undefined) closeSync(base);
  }
}
