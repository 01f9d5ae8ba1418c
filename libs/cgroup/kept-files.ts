import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Fd } from '#libs/linux/native.js';
import { preadEach } from '#libs/linux/read-each.js';
import { SystemCallError } from '#libs/linux/system-call-error.js';
import type { CgroupLayout } from './layout.js';
import { controllerDirectory } from './layout.js';
import type { ReadCgroupFile } from './usage.js';

/** memory.stat, the longest of those that are read, has less than 4 KiB. */
const MOST_BYTES = 16_384;
/** Whoever reads, reads again within two minutes or will not for long: Prometheus asks once a minute, where nobody tells it otherwise. In ms. */
const KEPT_MS = 130_000;
/** Shared by all: what is read is a string before the next reading. */
let room = Buffer.alloc(0);

/**
 * The files of one cgroup by descriptors that are kept, so that a second reading costs one system call a file, and one call of the addon for all of them; for two minutes,
 * since a process has not many. They hinder nobody from removing the cgroup.
 * Owned by who made it.
 */
export class KeptCgroupFiles {
  private readonly opened = new Map<string, Fd>();
  /** Asked for in vain: there is none, or its cgroup is gone. */
  private readonly missing = new Set<string>();
  /** Of all that are opened, in their order; undefined: to be made anew. */
  private descriptors: Int32Array<ArrayBuffer> | undefined;
  private idle: NodeJS.Timeout | undefined;

  constructor(
    private readonly layout: CgroupLayout,
    private readonly path: string,
  ) {}

  /**
   * What the files hold now. Those that were asked for before are read at once, others when they are asked for. A cgroup of the same path that is made anew is another one: `close`
   * forgets the old one's files. Throws, and so does the reader, what is no matter of a missing file.
   */
  look(): ReadCgroupFile {
    if (this.idle === undefined) this.idle = setTimeout(() => this.close(), KEPT_MS).unref();
    else this.idle.refresh();
    const texts = new Map<string, string>();
    this.descriptors ??= Int32Array.from(this.opened.values());
    this.read(this.opened.keys(), this.descriptors, texts);
    return (controller, file) => {
      if (!this.opened.has(file) && !this.missing.has(file) && this.open(controller, file)) this.read([file], Int32Array.of(this.opened.get(file) ?? -1), texts);
      return texts.get(file);
    };
  }

  /** A look after it opens the files anew. */
  close(): void {
    clearTimeout(this.idle);
    this.idle = undefined;
    for (const fd of this.opened.values()) closeSync(fd);
    this.opened.clear();
    this.missing.clear();
    this.descriptors = undefined;
  }

  private open(controller: string, file: string): boolean {
    const directory = controllerDirectory(this.layout, controller, this.path);
    try {
      if (directory !== undefined) {
        this.opened.set(file, openSync(join(directory, file), 'r'));
        this.descriptors = undefined;
        return true;
      }
    } catch (error) {
      if (!isAway(error)) throw error;
    }
    this.missing.add(file);
    return false;
  }

  private read(files: Iterable<string>, descriptors: Int32Array<ArrayBuffer>, texts: Map<string, string>): void {
    const count = descriptors.length;
    const lengths = new Int32Array(count);
    if (room.length < count * MOST_BYTES) room = Buffer.alloc(count * MOST_BYTES);
    preadEach(descriptors, room, lengths);
    const text = room.toString('latin1', 0, lengths.reduce((sum, length) => sum + Math.max(0, length), 0));
    let [place, at] = [0, 0];
    for (const file of files) {
      const length = lengths[place++] ?? 0;
      if (length < 0) this.lost(file, -length);
      else texts.set(file, text.slice(at, (at += length)));
    }
  }

  private lost(file: string, errno: number): void {
    const error = new SystemCallError('pread', errno, { file: join(this.path, file) });
    if (!isAway(error)) throw error;
    closeSync(this.opened.get(file) ?? -1);
    this.opened.delete(file);
    this.descriptors = undefined;
    this.missing.add(file);
  }
}

/** ENODEV: the cgroup was removed. ENOTSUP, as Node calls EOPNOTSUPP: the kernel was told not to count it. */
export const isAway = (error: unknown): boolean => error instanceof Error && 'code' in error && ['ENOENT', 'ENODEV', 'ENOTSUP'].includes(String(error.code));
