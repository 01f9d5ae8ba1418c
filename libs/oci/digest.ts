import { createHash } from 'node:crypto';
import { invalid } from '#libs/errors/errors.js';

/** "sha256:" and 64 lower-case hexadecimal digits (image-spec, descriptor.md). Other algorithms are refused: nothing here could verify them. */
export type Digest = string;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** Throws invalid where `value` is no SHA-256 digest. */
export function parseDigest(value: unknown, what = 'digest'): Digest {
  if (typeof value !== 'string' || !isDigest(value)) throw invalid(`${what} ${typeof value === 'string' ? value.slice(0, 100) : JSON.stringify(value)} is not a sha256 digest`);
  return value;
}

/** The 64 digits: what a file is named by. Throws on anything else, so that no digest can lead elsewhere as a path. */
export function hexOf(digest: Digest): string {
  return parseDigest(digest).slice('sha256:'.length);
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
