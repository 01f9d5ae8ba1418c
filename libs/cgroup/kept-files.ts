import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { CgroupLayout } from './layout.js';
import { controllerDirectory } from './layout.js';
import type { ReadCgroupFile } from './usage.js';

/** What a missing file, and one of a cgroup that is gone, are known by. */
const MISSING = -1;
/** memory.stat, the longest of those that are read, has less than 4 KiB. */
const buffer = Buffer.alloc(16_384);
/** Whoever reads, reads again within a minute or will not for long; in ms. */
const KEPT_MS = 60_000;

/**
 * The files of one cgroup by descriptors that are kept, so that a second reading costs one system call a file; for a minute, since a process has not many. They hinder nobody
 * from removing the cgroup.
 * Owned by who made it.
 */
export class KeptCgroupFiles {
  private readonly descriptors = new Map<string, number>();
  private idle: NodeJS.Timeout | undefined;

  constructor(
    private readonly layout: CgroupLayout,
    private readonly path: string,
  ) {}

  /** A cgroup of the same path that is made anew is another one: `close` forgets the old one's files. */
  readonly read: ReadCgroupFile = (controller, file) => {
    if (this.idle === undefined) this.idle = setTimeout(() => this.close(), KEPT_MS).unref();
    else this.idle.refresh();
    const fd = this.descriptors.get(file) ?? this.open(controller, file);
    if (fd === MISSING) return undefined;
    try {
      return buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0));
    } catch (error) {
      if (!isAway(error)) throw error;
      closeSync(fd);
      this.descriptors.set(file, MISSING);
      return undefined;
    }
  };

  /** A read after it opens the files anew. */
  close(): void {
    clearTimeout(this.idle);
    this.idle = undefined;
    for (const fd of this.descriptors.values()) if (fd !== MISSING) closeSync(fd);
    this.descriptors.clear();
  }

  private open(controller: string, file: string): number {
    const directory = controllerDirectory(this.layout, controller, this.path);
    let fd = MISSING;
    if (directory !== undefined) {
      try {
        fd = openSync(join(directory, file), 'r');
      } catch (error) {
        if (!isAway(error)) throw error;
      }
    }
    this.descriptors.set(file, fd);
    return fd;
  }
}

/** ENODEV: the cgroup was removed. EOPNOTSUPP: the kernel was told not to count it. */
export const isAway = (error: unknown): boolean => error instanceof Error && 'code' in error && ['ENOENT', 'ENODEV', 'EOPNOTSUPP'].includes(String(error.code));
