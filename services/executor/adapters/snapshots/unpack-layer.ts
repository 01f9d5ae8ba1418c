import { createHash } from 'node:crypto';
import { closeSync, constants, createReadStream, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { BerthError, errorMessage, invalid, notFound, unavailable } from '#libs/errors/errors.js';
import { syncfs } from '#libs/linux/file-system-sync.js';
import { blobPath } from '#libs/oci/content-layout.js';
import { decompressed } from '#libs/oci/decompress.js';
import { readTar } from '#libs/oci/tar-reader.js';
import { applyLayer } from './apply-layer.js';

export interface UnpackJob {
  readonly dataRoot: string;
  /** Empty, and the caller's alone. */
  readonly directory: string;
  /** Digest of the blob as it is stored. */
  readonly digest: string;
  /** Digest of the plain tar. */
  readonly diffId: string;
  /** An Int32Array's; its only element is not 0 once nobody wants the layer any more. */
  readonly unwanted: SharedArrayBuffer;
}

/** A blob of the content store that has to be the layer of `diffId`. */
export type CheckJob = Omit<UnpackJob, 'directory'>;

/**
 * Unpacks a blob of the content store, on the disk when it resolves: to the bytes of all files. Rejects as not-found without the blob, as invalid when it is no
 * layer or not the one of `diffId`, as unavailable once nobody wants it; the directory then holds what came before.
 */
export async function unpackLayer({ directory, ...blob }: UnpackJob): Promise<number> {
  let sizeBytes = 0;
  await readPlain(blob, async (plain) => {
    sizeBytes = await applyLayer(directory, plain);
  });
  flush(directory);
  return sizeBytes;
}

/** Reads a blob and unpacks nothing. Rejects as `unpackLayer` does. */
export function checkLayer(blob: CheckJob): Promise<void> {
  return readPlain(blob, async (plain) => {
    // Bounds what a blob that only says what it is can be.
    for await (const _ of readTar(plain));
  });
}

/** Hands the decompressed bytes to `read`, which reads to the end, and compares what they are with `diffId`. */
async function readPlain({ dataRoot, digest, diffId, unwanted }: CheckJob, read: (plain: AsyncIterable<Buffer>) => Promise<void>): Promise<void> {
  const path = blobPath(dataRoot, digest);
  await stat(path).catch((error: unknown) => {
    throw notFound(`the blob of layer ${digest} is not in the content store: ${errorMessage(error)}`);
  });
  const plain = await decompressed(createReadStream(path, { highWaterMark: 1 << 18 }));
  const hash = createHash('sha256');
  const isUnwanted = new Int32Array(unwanted);
  const hashed = async function* (): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of plain) {
        if (Atomics.load(isUnwanted, 0) !== 0) throw unavailable(`nobody wants layer ${digest} any more`);
        hash.update(chunk as Buffer);
        yield chunk as Buffer;
      }
    } catch (error) {
      if (error instanceof BerthError) throw error;
      throw invalid(`layer ${digest} cannot be decompressed: ${errorMessage(error)}`, error);
    }
  };
  await read(hashed());
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== diffId) throw invalid(`layer ${digest} holds ${found}, not the ${diffId} that the image says`);
}

/** One call for all files: an fsync each takes minutes for an image of ten thousand. */
function flush(directory: string): void {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    syncfs(fd);
  } finally {
    closeSync(fd);
  }
}
