import { closeSync, openSync } from 'node:fs';
import type { Fd } from './native.js';
import { native } from './native.js';
import { checked } from './system-call-error.js';

/** fcntl(2): F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE */
const ALL_SEALS = 0x1 | 0x2 | 0x4 | 0x8;
const CHUNK_BYTES = 1 << 30;

/**
 * A copy of a file in memory that nobody can change, a container that reaches /proc/<pid>/exe neither (CVE-2019-5736). Execute it by /proc/self/fd/<fd>.
 * Close-on-exec. Throws SystemCallError, or Node's own error where `path` cannot be opened.
 */
export function sealedCopy(path: string, name: string): Fd {
  const source = openSync(path, 'r');
  try {
    const copy = checked('memfd_create', native.memfdCreate(name), { name });
    try {
      while (checked('sendfile', native.sendfile(copy, source, CHUNK_BYTES), { path }) > 0);
      checked('fcntl F_ADD_SEALS', native.addSeals(copy, ALL_SEALS), { path });
      return copy;
    } catch (error) {
      closeSync(copy);
      throw error;
    }
  } finally {
    closeSync(source);
  }
}
