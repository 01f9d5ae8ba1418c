/** Bits of a key, and how many of them are its own: of a hundred keys that are not there one or two seem to be. */
const BITS = 10;
const PROBES = 4;

/** What tells in little room whether one of these hashes (as `keyHash` makes them) may be among many: a Bloom filter. */
export function filterOf(hashes: ReadonlySet<number>): Uint8Array {
  const filter = new Uint8Array(Math.ceil((hashes.size * BITS) / 8));
  for (const hash of hashes) for (const bit of bitsOf(hash, filter)) filter[bit >> 3]! |= 1 << (bit & 7);
  return filter;
}

/** False: it is not. */
export function mayHave(filter: Uint8Array, hash: number): boolean {
  return filter.length > 0 && bitsOf(hash, filter).every((bit) => ((filter[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0);
}

function bitsOf(hash: number, { length }: Uint8Array): number[] {
  const step = Math.imul(hash ^ (hash >>> 15), 0x9e3779b1) | 1;
  return Array.from({ length: PROBES }, (_, probe) => ((hash + Math.imul(probe, step)) >>> 0) % (8 * length));
}
