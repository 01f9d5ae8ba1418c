/** Takes bytes off a stream of chunks in the portions a parser wants, without copying where one chunk holds them. */
export class ByteQueue {
  private readonly iterator: AsyncIterator<Uint8Array>;
  private chunk: Buffer = Buffer.alloc(0);
  private ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.iterator = source[Symbol.asyncIterator]();
  }

  /** Exactly `count` bytes; fewer only at the end of the stream. */
  async take(count: number): Promise<Buffer> {
    if (this.chunk.length >= count) return this.cut(count);
    const parts: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      const part = await this.some(missing);
      if (part === undefined) break;
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /** What is there, at least one byte and at most `most`; undefined at the end. */
  async some(most: number): Promise<Buffer | undefined> {
    while (this.chunk.length === 0) {
      if (this.ended) return undefined;
      const next = await this.iterator.next();
      if (next.done) {
        this.ended = true;
        return undefined;
      }
      this.chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.length);
    }
    return this.cut(Math.min(most, this.chunk.length));
  }

  async close(): Promise<void> {
    await this.iterator.return?.();
  }

  private cut(count: number): Buffer {
    const part = this.chunk.subarray(0, count);
    this.chunk = this.chunk.subarray(count);
    return part;
  }
}
