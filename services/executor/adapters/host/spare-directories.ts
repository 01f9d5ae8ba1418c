import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Trash } from './trash.js';

/** So that what is made does not get into the way of the start that took one. */
const PAUSE_MS = 20;

export interface SpareContents {
  readonly directories: readonly { readonly name: string; readonly mode: number }[];
  /** Empty ones. */
  readonly files: readonly { readonly name: string; readonly mode: number }[];
}

/**
 * Directories of containers that are still to come, made while nobody waits for them. ext4 keeps the inodes of what was deleted apart for a minute or more, and passes each of them by
 * when it looks for a free one: where containers come and go, one small file takes up to a millisecond to make. A start takes one by a rename.
 */
export class SpareDirectories {
  private readonly ready: string[] = [];
  private contents: SpareContents | undefined;
  private filling: NodeJS.Timeout | undefined;
  private made = 0;

  /** `root`: on the file system where they will be needed. */
  constructor(
    private readonly root: string,
    private readonly most: number,
  ) {}

  /** What an executor before this one left is of no use: it may be half made. */
  start(contents: SpareContents, trash: Trash): void {
    trash.take(this.root);
    mkdirSync(this.root, { recursive: true, mode: 0o700 });
    this.contents = contents;
    this.fillSoon();
  }

  /** One of them becomes `path`, where nothing is. False: there is none, or something is there. */
  take(path: string): boolean {
    const spare = existsSync(path) ? undefined : this.ready.pop();
    if (spare === undefined) return false;
    this.fillSoon();
    try {
      renameSync(spare, path);
      return true;
    } catch {
      return false; // whoever makes it in place hears why it cannot be
    }
  }

  close(): void {
    this.contents = undefined;
    clearTimeout(this.filling);
  }

  private fillSoon(): void {
    this.filling ??= setTimeout(() => {
      // Without room on the disk there are none until the next is asked for.
      void this.fill().catch(() => undefined).finally(() => (this.filling = undefined));
    }, PAUSE_MS).unref();
  }

  private async fill(): Promise<void> {
    while (this.contents !== undefined && this.ready.length < this.most) {
      const spare = join(this.root, String(++this.made));
      await mkdir(spare, { mode: 0o710 });
      for (const { name, mode } of this.contents.directories) await mkdir(join(spare, name), { mode });
      for (const { name, mode } of this.contents.files) await writeFile(join(spare, name), '', { mode });
      this.ready.push(spare);
    }
  }
}
