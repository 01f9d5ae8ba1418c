import type { PathStat } from '#contracts/containers/archives.js';

/** Of st_mode (inode(7)), the type; and what Go's os.FileMode has for it. */
const TYPE_BITS = 0o170000;
const GO_TYPES: Readonly<Record<number, number>> = {
  0o040000: 2 ** 31,
  0o120000: 2 ** 27,
  0o060000: 2 ** 26,
  0o020000: 2 ** 26 + 2 ** 21,
  0o010000: 2 ** 25,
  0o140000: 2 ** 24,
};
const GO_BITS: readonly (readonly [bit: number, go: number])[] = [[0o4000, 2 ** 23], [0o2000, 2 ** 22], [0o1000, 2 ** 20]];

export const PATH_STAT_HEADER = 'X-Docker-Container-Path-Stat';

/** What the header holds: JSON in base64, its mode as Go counts it. */
export function pathStatHeader({ name, sizeBytes, mode, mtime, linkTarget }: PathStat): string {
  return Buffer.from(JSON.stringify({ name, size: sizeBytes, mode: goMode(mode), mtime, linkTarget })).toString('base64');
}

export function goMode(mode: number): number {
  return (mode & 0o777) + (GO_TYPES[mode & TYPE_BITS] ?? 0) + GO_BITS.reduce((sum, [bit, go]) => (mode & bit ? sum + go : sum), 0);
}
