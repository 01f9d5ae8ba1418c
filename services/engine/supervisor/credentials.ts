import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { BUS_USERS, type BusUser } from '#libs/messaging/permissions.js';
import { credentialsPath } from '#libs/settings/credentials.js';
import type { SupervisorSettings } from '../settings.js';

export type NatsPasswords = Readonly<Record<BusUser, string>>;

/** Users whose password is root's alone: with the executor's, or the operator's, one could forge what the kernel did. */
const OF_ROOT: ReadonlySet<BusUser> = new Set(['executor', 'operator']);

/**
 * Passwords of all bus users, a file each (libs/settings/credentials.ts reads them): made once, at first start; of a user that a later version added,
 * then. 0640 of root and the engine's group; the executor's and the operator's of root's group.
 */
export function ensureNatsPasswords(settings: SupervisorSettings, gid: number): NatsPasswords {
  const passwords = BUS_USERS.map((user) => {
    const path = credentialsPath(settings, user);
    const group = OF_ROOT.has(user) ? 0 : gid;
    if (existsSync(path)) {
      // An administrator may have put it there, for a server of their own.
      chownSync(path, 0, group);
      chmodSync(path, 0o640);
      return [user, readFileSync(path, 'utf8').trim()];
    }
    const password = randomBytes(24).toString('base64url');
    writePrivately(path, password, group);
    return [user, password];
  });
  return Object.fromEntries(passwords) as NatsPasswords;
}

/** Whole or not at all; readable by root and `gid` from the first moment. */
export function writePrivately(path: string, text: string, gid: number): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, `${text}\n`, { mode: 0o600, flush: true });
  chownSync(fresh, 0, gid);
  chmodSync(fresh, 0o640);
  renameSync(fresh, path);
}
