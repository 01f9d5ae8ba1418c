import { digestOf, type Digest } from './digest.js';

/** Ids of the layers together with all below each, bottom up (image-spec, config.md, "Layer ChainID"). */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const parent = chain.at(-1);
    chain.push(parent === undefined ? diffId : digestOf(`${parent} ${diffId}`));
  }
  return chain;
}

/** Digits of a chain id that name its snapshot. 104 bits: nobody finds two layers that share them, and 100 of them fit in one page of mount options. */
const NAME_DIGITS = 26;

/** The directory of an unpacked layer below `layers/`: also what an overlay's `lower` says. */
export function snapshotName(chainId: Digest): string {
  return chainId.slice('sha256:'.length, 'sha256:'.length + NAME_DIGITS);
}
