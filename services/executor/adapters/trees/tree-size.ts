import { closeSync, constants, lstatSync, openSync, readdirSync } from 'node:fs';
import { openat2, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Each level holds a descriptor. What is deeper is not counted. */
const DEEPEST = 400;

/**
 * Bytes of all files below a directory as dockerd counts them: lengths, a file with several names once, directories nothing. The tree is not trusted and may change
 * meanwhile: nothing is reached but by one name in an open directory. No directory there: 0.
 */
export function treeSize({ directory }: { readonly directory: string }): number {
  let top: Fd;
  try {
    top = openSync(directory, DIRECTORY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
  try {
    return sizeIn(top, new Set(), 0);
  } finally {
    closeSync(top);
  }
}

function sizeIn(directory: Fd, counted: Set<bigint>, depth: number): number {
  let bytes = 0;
  const path = Buffer.from(`/proc/self/fd/${directory}/`);
  for (const name of readdirSync(path, { encoding: 'buffer' })) {
    const facts = lstatSync(Buffer.concat([path, name]), { bigint: true, throwIfNoEntry: false });
    if (facts === undefined) continue; // gone since it was listed
    if (facts.isDirectory()) {
      if (depth < DEEPEST) bytes += sizeOfDirectory(directory, name, counted, depth + 1);
    } else if (facts.nlink === 1n || !counted.has(facts.ino)) {
      if (facts.nlink > 1n) counted.add(facts.ino);
      bytes += Number(facts.size);
    }
  }
  return bytes;
}

function sizeOfDirectory(parent: Fd, name: Buffer, counted: Set<bigint>, depth: number): number {
  let directory: Fd;
  try {
    directory = openat2(parent, name, DIRECTORY, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
  } catch {
    return 0; // gone, or another thing by now
  }
  try {
    return sizeIn(directory, counted, depth);
  } finally {
    closeSync(directory);
  }
}
