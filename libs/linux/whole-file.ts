import { randomBytes } from 'node:crypto';
import { closeSync, constants, fchmodSync, fchownSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';

export interface FileRights {
  readonly mode: number;
  /** Absent: the caller's. */
  readonly uid?: number;
}

/**
 * Puts `text` at `path` in place of what is there: whole or not at all, and with these rights from the first moment. It comes by a name that nobody guesses and that
 * was not there, so that no link which another put there is followed.
 */
export function writeWhole(path: string, text: string | Uint8Array, { mode, uid }: FileRights): void {
  const fresh = `${path}.${randomBytes(8).toString('hex')}.new`;
  const file = openSync(fresh, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    writeFileSync(file, text);
    if (uid !== undefined) fchownSync(file, uid, 0);
    fchmodSync(file, mode);
    fsyncSync(file);
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}
