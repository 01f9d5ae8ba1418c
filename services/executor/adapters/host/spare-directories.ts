import { closeSync, existsSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addInodeFlag, FS_TOPDIR_FL } from '#libs/linux/inode-flags.js';
import { Stock } from '../stock.js';
import type { Trash } from './trash.js';

export interface SpareContents {
  readonly directories: readonly { readonly name: string; readonly mode: number }[];
  /** Empty ones. */
  readonly files: readonly { readonly name: string; readonly mode: number }[];
}

/**
 * Directories of containers that are still to come, made while nobody waits for them. ext4 keeps the inodes of what was deleted apart for a minute or more, and passes each of them by
 * when it looks for a free one: where containers come and go, one small file takes up to a millisecond to make. A start takes one by a rename. And they lie apart, since what the kernel
 * itself makes in them, to mount an overlay, cannot be made ahead: few are deleted in one place.
 */
export class SpareDirectories {
  private stock: Stock<string> | undefined;
  private made = 0;

  /** `root`: on the file system where they will be needed. */
  constructor(
    private readonly root: string,
    private readonly most: number,
  ) {}

  /** What an executor before this one left is of no use: it may be half made. Where the disk is full there are none, until there is room again. */
  async start(contents: SpareContents, trash: Pick<Trash, 'remove'>): Promise<void> {
    await trash.remove(this.root);
    // What nobody took stays for the next executor to sweep away.
    this.stock = new Stock(this.most, () => this.make(contents), () => undefined);
  }

  /** One of them becomes `path`, where nothing is. False: there is none, or something is there. */
  take(path: string): boolean {
    const spare = existsSync(path) ? undefined : this.stock?.take();
    if (spare === undefined) return false;
    try {
      renameSync(spare, path);
      return true;
    } catch {
      return false; // whoever makes it in place hears why it cannot be
    }
  }

  close(): void {
    this.stock?.close();
    this.stock = undefined;
  }

  private async make({ directories, files }: SpareContents): Promise<string> {
    if (mkdirSync(this.root, { recursive: true, mode: 0o700 }) !== undefined) layApart(this.root);
    const spare = join(this.root, String(++this.made));
    await mkdir(spare, { mode: 0o710 });
    for (const { name, mode } of directories) await mkdir(join(spare, name), { mode });
    for (const { name, mode } of files) await writeFile(join(spare, name), '', { mode });
    return spare;
  }
}

/** Where the file system does not know how, they lie where it likes. */
function layApart(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    addInodeFlag(fd, FS_TOPDIR_FL);
  } catch {
    // no ext4
  } finally {
    closeSync(fd);
  }
}
