import { PassThrough, pipeline, Readable, type Duplex } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

export type Compression = 'none' | 'gzip' | 'zstd';

/** By the first four bytes, since a media type may lie: RFC 1952, RFC 8878. */
export function compressionOf(start: Uint8Array): Compression {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  if (start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd) return 'zstd';
  return 'none';
}

const CHUNK_BYTES = 1 << 17;

/** The plain bytes of a gzip, zstd or plain stream. Errors of `source` and of the format are errors of the result; destroying it destroys `source`. */
export async function decompressed(source: Readable): Promise<Readable> {
  const iterator = source.iterator({ destroyOnReturn: false });
  let start: Buffer = Buffer.alloc(0);
  while (start.length < 4) {
    const next = await iterator.next();
    if (next.done) break;
    start = Buffer.concat([start, next.value as Buffer]);
  }
  await iterator.return?.();
  const format = compressionOf(start);
  const sink: Duplex = format === 'gzip' ? createGunzip({ chunkSize: CHUNK_BYTES }) : format === 'zstd' ? createZstdDecompress({ chunkSize: CHUNK_BYTES }) : new PassThrough();
  const whole = async function* (): AsyncGenerator<Buffer> {
    if (start.length > 0) yield start;
    for await (const chunk of source) yield chunk as Buffer;
  };
  // An error reaches the reader through `sink`; there is nothing to add.
  return pipeline(Readable.from(whole(), { objectMode: false, highWaterMark: CHUNK_BYTES }), sink, () => undefined) as unknown as Readable;
}
