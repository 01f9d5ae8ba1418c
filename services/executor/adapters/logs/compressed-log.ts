import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip, type Gunzip } from 'node:zlib';
import { identityIn, MOST_HEADER_BYTES } from './gzip-frame.js';
import { LineSplitter, type LogIdentity, type LogLines } from './log-lines.js';
import { bytesOf } from './plain-log.js';

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 10;

/** A rotated file that was compressed. It is read from its beginning on, as often as needed: nothing of it is kept in memory. */
export class CompressedLog implements LogLines {
  private lines = new LineSplitter();
  private position = 0;
  private gunzip: Gunzip | undefined;
  private chunks: AsyncIterator<Buffer> | undefined;

  private constructor(
    private readonly file: FileHandle,
    readonly identity: LogIdentity,
  ) {}

  /** Rejects when there is no such file. Undefined: it is no log of ours, such as what the host's logrotate or a hand made of one. */
  static async open(path: string): Promise<CompressedLog | undefined> {
    await using opened = new AsyncDisposableStack();
    const file = opened.use(await open(path, 'r'));
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_HEADER_BYTES), 0, MOST_HEADER_BYTES, 0);
    const identity = identityIn(buffer.subarray(0, bytesRead));
    if (identity === undefined) return undefined;
    opened.move();
    return new CompressedLog(file, identity);
  }

  get offset(): number {
    return this.position - this.lines.held;
  }

  async next(): Promise<Buffer[]> {
    for (;;) {
      const chunk = await this.read();
      if (!chunk) return [];
      this.position += chunk.length;
      const lines = this.lines.push(chunk);
      if (lines.length > 0) return lines;
    }
  }

  async seek(offset: number): Promise<void> {
    this.rewind();
    for (let left = offset; left > 0; ) {
      const chunk = await this.read();
      if (!chunk) break;
      const skipped = Math.min(left, chunk.length);
      left -= skipped;
      this.position += skipped;
      if (skipped < chunk.length) this.unread(chunk.subarray(skipped));
    }
  }

  async seekFromEnd(count: number): Promise<number> {
    this.rewind();
    let lines = 0;
    for (let chunk = await this.read(); chunk; chunk = await this.read()) lines += newlines(chunk);
    this.rewind();
    let skip = Math.max(0, lines - count);
    while (skip > 0) {
      const chunk = await this.read();
      if (!chunk) break;
      let from = 0;
      for (; skip > 0; skip--) {
        const end = chunk.indexOf(NEWLINE, from);
        if (end < 0) break;
        from = end + 1;
      }
      if (skip > 0) from = chunk.length;
      this.position += from;
      if (from < chunk.length) this.unread(chunk.subarray(from));
    }
    return Math.min(count, lines);
  }

  /** It was whole when it got its name. */
  endHere(): Promise<void> {
    return Promise.resolve();
  }

  async keptBytes(): Promise<number> {
    const { size, nlink } = await this.file.stat();
    return nlink === 0 ? size : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.gunzip?.destroy();
    await this.file.close();
  }

  private rewind(): void {
    this.gunzip?.destroy();
    this.gunzip = undefined;
    this.chunks = undefined;
    this.lines = new LineSplitter();
    this.position = 0;
  }

  private async read(): Promise<Buffer | undefined> {
    if (!this.chunks) {
      this.gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
      // A failure reaches the reader of the chunks.
      pipeline(bytesOf(this.file), this.gunzip, () => undefined);
      this.chunks = this.gunzip[Symbol.asyncIterator]() as AsyncIterator<Buffer>; // a stream of bytes gives no text
    }
    const { value, done } = await this.chunks.next();
    return done ? undefined : value;
  }

  private unread(chunk: Buffer): void {
    const later = this.chunks;
    let isFirst = true;
    this.chunks = {
      next: () => {
        if (!isFirst && later) return later.next();
        isFirst = false;
        return Promise.resolve({ value: chunk, done: false });
      },
    };
  }
}

function newlines(chunk: Buffer): number {
  let found = 0;
  for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) found++;
  return found;
}
