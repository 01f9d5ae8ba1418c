import { PassThrough, pipeline, Readable, type Duplex } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { programFilter } from './program-filter.js';

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

/** By the first four bytes, since a media type may lie: RFC 1952, RFC 8878 (a frame, or one to skip as pzstd begins with), xz's file format, and bzip2's "BZh" with the size of its blocks. */
export function compressionOf(start: Uint8Array): Compression {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  if (start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd) return 'zstd';
  if (start[0] !== undefined && start[0] >> 4 === 5 && start[1] === 0x2a && start[2] === 0x4d && start[3] === 0x18) return 'zstd';
  if (start[0] === 0xfd && start[1] === 0x37 && start[2] === 0x7a && start[3] === 0x58) return 'xz';
  if (start[0] === 0x42 && start[1] === 0x5a && start[2] === 0x68 && start[3] !== undefined && start[3] >= 0x31 && start[3] <= 0x39) return 'bzip2';
  return 'none';
}

const CHUNK_BYTES = 1 << 17;

const READERS: Readonly<Record<Compression, () => Duplex>> = {
  none: () => new PassThrough(),
  gzip: () => createGunzip({ chunkSize: CHUNK_BYTES }),
  zstd: () => createZstdDecompress({ chunkSize: CHUNK_BYTES }),
  xz: () => programFilter('xz'),
  bzip2: () => programFilter('bzip2'),
};

/** The plain bytes of a stream that is compressed or not. Errors of `source` and of the format are errors of the result; destroying it destroys `source`. */
export async function decompressed(source: Readable): Promise<Readable> {
  // Between the two that read it, an error has nobody to tell.
  source.on('error', () => undefined);
  const iterator = source.iterator({ destroyOnReturn: false });
  let start: Buffer = Buffer.alloc(0);
  while (start.length < 4) {
    const next = await iterator.next();
    if (next.done) break;
    start = Buffer.concat([start, next.value as Buffer]);
  }
  await iterator.return?.();
  const sink = READERS[compressionOf(start)]();
  const whole = async function* (): AsyncGenerator<Buffer> {
    if (start.length > 0) yield start;
    for await (const chunk of source) yield chunk as Buffer;
  };
  // Where it has nothing to give, the pipeline would wait for it.
  sink.once('close', () => void (sink.readableEnded || source.destroy()));
  // An error reaches the reader through `sink`; there is nothing to add.
  return pipeline(Readable.from(whole(), { objectMode: false, highWaterMark: CHUNK_BYTES }), sink, () => undefined) as unknown as Readable;
}
