import { createHash } from 'node:crypto';
import type { TarLimits } from '#libs/oci/tar-reader.js';
import { readAsLayer } from './read-as-layer.js';

/** A layer's name by what it is uncompressed. Throws invalid for what is no layer. */
export async function diffIdOf(plain: AsyncIterable<Uint8Array>, limits?: TarLimits): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readAsLayer(plain, limits)) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}
