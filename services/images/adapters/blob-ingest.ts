import { createHash } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { invalid } from '#libs/errors/errors.js';
import type { Digest } from '#libs/oci/digest.js';

export interface Expected {
  readonly digest?: Digest;
  readonly sizeBytes?: number;
}

export interface StoredBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** The blob's first bytes, at least four where it has them: they tell how it is compressed. */
  readonly start: Buffer;
}

const START_BYTES = 512;

/** A blob on its way into a file of no name yet. What breaks off is gone on with; whoever began it closes it. */
export class BlobIngest {
  private hash = createHash('sha256');
  private received = 0;
  private start = Buffer.alloc(0);

  private constructor(
    private readonly file: FileHandle,
    readonly path: string,
    private readonly expected: Expected,
  ) {}

  static async begin(path: string, expected: Expected): Promise<BlobIngest> {
    return new BlobIngest(await open(path, 'wx', 0o640), path, expected);
  }

  get sizeBytes(): number {
    return this.received;
  }

  /** Behind what is there. Rejects with what `source` does, which may be gone on with; as invalid for more than was expected. */
  async append(source: AsyncIterable<Uint8Array>): Promise<void> {
    const { digest, sizeBytes } = this.expected;
    for await (const chunk of source) {
      if (sizeBytes !== undefined && this.received + chunk.length > sizeBytes) throw invalid(`blob ${digest ?? ''} is larger than the ${sizeBytes} bytes it should have`);
      if (this.start.length < START_BYTES) this.start = Buffer.concat([this.start, chunk.subarray(0, START_BYTES - this.start.length)]);
      for (let at = 0; at < chunk.length; ) at += (await this.file.write(chunk, at, chunk.length - at, this.received + at)).bytesWritten;
      this.hash.update(chunk);
      this.received += chunk.length;
    }
  }

  /** From the first byte. */
  async restart(): Promise<void> {
    await this.file.truncate(0);
    [this.hash, this.received, this.start] = [createHash('sha256'), 0, Buffer.alloc(0)];
  }

  /** Once all is there. Throws invalid when it is not what was expected. */
  finish(): StoredBlob {
    const { digest: expected, sizeBytes } = this.expected;
    const digest = `sha256:${this.hash.digest('hex')}`;
    if (sizeBytes !== undefined && this.received !== sizeBytes) throw invalid(`blob ${expected ?? digest} has ${this.received} bytes, not ${sizeBytes}: it was cut off`);
    if (expected !== undefined && digest !== expected) throw invalid(`blob ${expected} is damaged: its bytes have the digest ${digest}`);
    return { digest, sizeBytes: this.received, start: this.start };
  }

  async sync(): Promise<void> {
    await this.file.sync();
  }

  /** What has no name by then is gone. */
  async close(): Promise<void> {
    await this.file.close();
    await unlink(this.path).catch(() => undefined);
  }
}
