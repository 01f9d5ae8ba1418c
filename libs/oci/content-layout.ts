import { join } from 'node:path';
import { hexOf, type Digest } from './digest.js';

/** Where a blob lies; an OCI image layout from `content` on. Throws where `digest` is none. */
export function blobPath(dataRoot: string, digest: Digest): string {
  return join(dataRoot, 'content', 'blobs', 'sha256', hexOf(digest));
}
