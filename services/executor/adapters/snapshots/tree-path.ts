import { invalid } from '#libs/errors/errors.js';

/** Names of a path's parts as latin1 text: one character a byte, so that a name that is not UTF-8 stays what it is. */
export type TreePath = readonly string[];

const LONGEST_NAME = 255;
const DEEPEST = 1024;

/** An archive's path below the tree's root: leading slashes, "." and ".." mean what they do there. Throws invalid where ".." would leave it. */
export function treePath(path: Buffer): TreePath {
  const parts: string[] = [];
  for (const part of path.toString('latin1').split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (parts.pop() === undefined) throw invalid(`the layer has an entry outside of its root: ${path.toString()}`);
      continue;
    }
    if (part.length > LONGEST_NAME) throw invalid(`the layer has a name of ${part.length} bytes: ${path.toString().slice(0, 300)}`);
    parts.push(part);
  }
  if (parts.length > DEEPEST) throw invalid(`the layer has a path of ${parts.length} directories`);
  return parts;
}

export const bytesOf = (latin1: string): Buffer => Buffer.from(latin1, 'latin1');
