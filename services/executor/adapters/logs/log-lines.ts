import { type FileHandle, open } from 'node:fs/promises';

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 10;

/** Complete lines of one log file from a position on; what the writer has not finished stays for the next read. */
export class LogLines implements AsyncDisposable {
  private rest: Buffer = Buffer.alloc(0);
  private position = 0;
  private end = Number.POSITIVE_INFINITY;

  private constructor(
    private readonly file: FileHandle,
    readonly inode: number,
  ) {}

  /** Undefined when there is no such file. */
  static async open(path: string): Promise<LogLines | undefined> {
    try {
      const file = await open(path, 'r');
      return new LogLines(file, (await file.stat()).ino);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** The next lines, without their newline; none: at the end for now. */
  async next(): Promise<Buffer[]> {
    for (;;) {
      const wanted = Math.min(CHUNK_BYTES, this.end - this.position);
      const chunk = Buffer.allocUnsafe(wanted);
      const { bytesRead } = await this.file.read(chunk, 0, wanted, this.position);
      if (bytesRead === 0) return [];
      this.position += bytesRead;
      const bytes = this.rest.length === 0 ? chunk.subarray(0, bytesRead) : Buffer.concat([this.rest, chunk.subarray(0, bytesRead)]);
      const lines: Buffer[] = [];
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
        lines.push(bytes.subarray(from, end));
        from = end + 1;
      }
      this.rest = bytes.subarray(from);
      if (lines.length > 0) return lines;
    }
  }

  /** Bytes that the disk has this file for alone: all of it once its name is gone, else none. */
  async keptBytes(): Promise<number> {
    const { size, nlink } = await this.file.stat();
    return nlink === 0 ? size : 0;
  }

  /** What is written from now on is not read: a reader slower than the writer would never come to an end. */
  async endHere(): Promise<void> {
    this.end = (await this.file.stat()).size;
  }

  /** Moves to the beginning of the `count`-th line from the end. Returns how many there were. */
  async seekFromEnd(count: number): Promise<number> {
    const { size } = await this.file.stat();
    let found = 0;
    let end = size;
    // The last newline ends the last line; each one before it begins another.
    while (end > 0) {
      const start = Math.max(0, end - CHUNK_BYTES);
      const chunk = Buffer.allocUnsafe(end - start);
      await this.file.read(chunk, 0, chunk.length, start);
      for (let at = chunk.length - 1; at >= 0; at--) {
        if (chunk[at] !== NEWLINE) continue;
        if (found === count) {
          this.position = start + at + 1;
          return found;
        }
        found++;
      }
      end = start;
    }
    this.position = 0;
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file.close();
  }
}
