import { createHash } from 'node:crypto';
import { readTar, TAR_LIMITS, type TarLimits } from '#libs/oci/tar-reader.js';

/** A layer's name by what it is uncompressed. Throws invalid for what is no layer, also for one that is larger than a layer may be: a megabyte of gzip may say gigabytes. */
export async function diffIdOf(plain: AsyncIterable<Uint8Array>, limits: TarLimits = TAR_LIMITS): Promise<string> {
  const hash = createHash('sha256');
  const hashed = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of plain) {
      hash.update(chunk);
      yield chunk;
    }
  };
  // It reads to the end, also what follows the archive's.
  for await (const _ of readTar(hashed(), limits));
  return `sha256:${hash.digest('hex')}`;
}
