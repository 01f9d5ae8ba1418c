import { statfsSync } from 'node:fs';

/** Below both, nothing that could be deleted is kept. */
const LEAST_SHARE = 0.05;
const LEAST_BYTES = 5 * 2 ** 30;

/** Whether the file system of `directory` is nearly full. One system call. */
export function isDiskShort(directory: string): boolean {
  const { bavail, blocks, bsize } = statfsSync(directory);
  return bavail < blocks * LEAST_SHARE && bavail * bsize < LEAST_BYTES;
}
