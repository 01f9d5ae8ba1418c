import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { TreeThreads } from '../trees/tree-threads.js';

/** So that one thread takes all that was removed in a row. */
const PAUSE_MS = 200;
/** Of what it was called: a volume's name may be as long as a file's, and this one is longer. */
const KEPT_LENGTH = 200;

/**
 * Where removed trees wait to be taken off the disk: out of the way at once, however much there is in them. A thread of its own takes them off; what a crash
 * leaves is taken at the next start.
 */
export class Trash {
  private emptying: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    private readonly directory: string,
    private readonly trees: TreeThreads,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Nothing at `path`: nothing happens. */
  take(path: string): void {
    try {
      // A name of its own: the same path may come again before the first is off the disk.
      renameSync(path, join(this.directory, `${basename(path).slice(0, KEPT_LENGTH)}.${randomBytes(6).toString('hex')}`));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    this.emptySoon();
  }

  emptySoon(): void {
    this.emptying ??= setTimeout(() => {
      this.emptying = undefined;
      // Its thread may be ended over it.
      this.trees.run('removeAllIn', { directory: this.directory }).catch((error: unknown) => this.isClosed || this.onError(error));
    }, PAUSE_MS);
  }

  /** What is there is taken off at the next start. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.emptying);
  }
}
