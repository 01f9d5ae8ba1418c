import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, readFileSync } from 'node:fs';
import { writeWhole } from '#libs/linux/whole-file.js';
import { BUS_USERS, type BusUser } from '#libs/messaging/permissions.js';
import { credentialsPath } from '#libs/settings/credentials.js';
import type { SupervisorSettings } from '../settings.js';

export type NatsPasswords = Readonly<Record<BusUser, string>>;

/**
 * Passwords of all bus users, a file each (libs/settings/credentials.ts reads them): made once, at first start; of a user that a later version added,
 * then. Each is readable by `owners`' uid alone, and by root: of a group are also those who may knock at the API's socket. Root's where there is none, as the
 * executor's and the operator's: with these one could forge what the kernel did.
 */
export function ensureNatsPasswords(settings: SupervisorSettings, owners: ReadonlyMap<string, number>): NatsPasswords {
  const passwords = BUS_USERS.map((user) => {
    const path = credentialsPath(settings, user);
    const uid = owners.get(user) ?? 0;
    if (existsSync(path)) {
      // An administrator may have put it there, for a server of their own; or another process held the service.
      chownSync(path, uid, 0);
      chmodSync(path, 0o400);
      return [user, readFileSync(path, 'utf8').trim()];
    }
    const password = randomBytes(24).toString('base64url');
    writePrivately(path, password, uid);
    return [user, password];
  });
  return Object.fromEntries(passwords) as NatsPasswords;
}

/** Whole or not at all; readable by root and `uid` alone, from the first moment. */
export function writePrivately(path: string, text: string, uid: number): void {
  writeWhole(path, `${text}\n`, { mode: 0o400, uid });
}
