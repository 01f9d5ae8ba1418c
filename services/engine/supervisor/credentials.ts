import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUS_USERS, type BusUser } from '#libs/messaging/permissions.js';
import type { SupervisorSettings } from '../settings.js';

export type NatsPasswords = Readonly<Record<BusUser, string>>;

/** `{ "<bus user>": "<password>" }`, 0640, of root and the engine's group. */
export const credentialsPath = (settings: SupervisorSettings): string => join(settings.dataRoot, 'secrets', 'nats.json');

/** Passwords of all bus users: made once, at first start; of a user that a later version added, then. */
export function ensureNatsPasswords(settings: SupervisorSettings, gid: number): NatsPasswords {
  const path = credentialsPath(settings);
  const known = existsSync(path) ? readNatsPasswords(settings) : {};
  const passwords = Object.fromEntries(BUS_USERS.map((user) => [user, known[user] ?? randomBytes(24).toString('base64url')])) as NatsPasswords;
  if (BUS_USERS.some((user) => known[user] === undefined)) writePrivately(path, JSON.stringify(passwords, undefined, 2), gid);
  return passwords;
}

export function readNatsPasswords(settings: SupervisorSettings): Partial<NatsPasswords> {
  return JSON.parse(readFileSync(credentialsPath(settings), 'utf8')) as Partial<NatsPasswords>; // written by us alone
}

/** Whole or not at all; readable by root and `gid` from the first moment. */
export function writePrivately(path: string, text: string, gid: number): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, `${text}\n`, { mode: 0o600, flush: true });
  chownSync(fresh, 0, gid);
  chmodSync(fresh, 0o640);
  renameSync(fresh, path);
}
