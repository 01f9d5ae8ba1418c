import type { BigIntStats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { LineSplitter, type LogIdentity, type LogLines } from './log-lines.js';

const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 10;

/** Inodes are used again, with another time of birth. */
export const identityOf = ({ ino, birthtimeNs }: BigIntStats): LogIdentity => `${ino}:${birthtimeNs}`;

/** A file as the shim writes it, or has written it. */
export class PlainLog implements LogLines {
  private lines = new LineSplitter();
  private position = 0;
  private end = Number.POSITIVE_INFINITY;

  private constructor(
    private readonly file: FileHandle,
    readonly identity: LogIdentity,
  ) {}

  /** Rejects when there is no such file. */
  static async open(path: string): Promise<PlainLog> {
    await using opened = new AsyncDisposableStack();
    const file = opened.use(await open(path, 'r'));
    const log = new PlainLog(file, identityOf(await file.stat({ bigint: true })));
    opened.move();
    return log;
  }

  get offset(): number {
    return this.position - this.lines.held;
  }

  async next(): Promise<Buffer[]> {
    for (;;) {
      const wanted = Math.min(CHUNK_BYTES, this.end - this.position);
      const chunk = Buffer.allocUnsafe(wanted);
      const { bytesRead } = await this.file.read(chunk, 0, wanted, this.position);
      if (bytesRead === 0) return [];
      this.position += bytesRead;
      const lines = this.lines.push(chunk.subarray(0, bytesRead));
      if (lines.length > 0) return lines;
    }
  }

  seek(offset: number): Promise<void> {
    this.position = offset;
    this.lines = new LineSplitter();
    return Promise.resolve();
  }

  async keptBytes(): Promise<number> {
    const { size, nlink } = await this.file.stat();
    return nlink === 0 ? size : 0;
  }

  async endHere(): Promise<void> {
    this.end = (await this.file.stat()).size;
  }

  async seekFromEnd(count: number): Promise<number> {
    let found = 0;
    let end = Math.min((await this.file.stat()).size, this.end);
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

/** All of a file, in pieces. */
export async function* bytesOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
