import { randomBytes } from 'node:crypto';
import { opendirSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isFull } from '#libs/linux/full-disk.js';
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
  private readonly removing = new Map<string, Promise<void>>();
  private emptying: NodeJS.Timeout | undefined;
  /** One thread at a time: a second one would take off the same trees, and leave none for who waits to start. */
  private isBusy = false;
  private isWantedAgain = false;
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
      // Nor can anything be there whose name no file can have.
      if (['ENOENT', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
      throw error;
    }
    this.emptySoon();
  }

  /** The same, but where it is on another disk than this, or the disk is too full to move it, taken off there and then. Whoever asks again waits for the same removal. */
  async remove(path: string): Promise<void> {
    const removal = this.removing.get(path);
    if (removal !== undefined) return removal;
    try {
      this.take(path);
    } catch (error) {
      if (!isUnmovable(error)) throw error;
      // A container may have the tree still, by a path of the host's that it was given.
      const begun = this.trees.run('removeTree', { path }).finally(() => this.removing.delete(path));
      this.removing.set(path, begun);
      await begun;
    }
  }

  emptySoon(): void {
    if (this.isBusy) this.isWantedAgain = true;
    else this.emptying ??= setTimeout(() => void this.empty(), PAUSE_MS);
  }

  private async empty(): Promise<void> {
    this.emptying = undefined;
    if (this.isEmpty()) return; // as at most starts: a thread costs what a tenth of the executor's start does
    this.isBusy = true;
    // Its thread may be ended over it.
    await this.trees.run('removeAllIn', { directory: this.directory }).catch((error: unknown) => this.isClosed || this.onError(error));
    this.isBusy = false;
    if (this.isWantedAgain && !this.isClosed) this.emptySoon();
    this.isWantedAgain = false;
  }

  private isEmpty(): boolean {
    try {
      using directory = opendirSync(this.directory);
      return directory.readSync() === null;
    } catch {
      return false; // the thread tells why
    }
  }

  /** What is there is taken off at the next start. */
  close(): void {
    this.isClosed = true;
    clearTimeout(this.emptying);
  }
}

/** Between two disks, or mounts, and where one that is full has no room for another name. */
export const isUnmovable = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EXDEV' || isFull(error);
