import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { credentialsPath, readCredentials } from '#libs/settings/credentials.js';
import { readSupervisorSettings, type SupervisorSettings } from '../settings.js';
import { ensureNatsPasswords } from './credentials.js';

const ENGINE = 12_345;
const GATEWAY = 12_346;
let settings: SupervisorSettings;

beforeEach(() => {
  settings = readSupervisorSettings({ BERTH_DATA_ROOT: mkdtempSync(join(tmpdir(), 'berth-credentials-')) });
  mkdirSync(join(settings.dataRoot, 'secrets'));
});
afterEach(() => rmSync(settings.dataRoot, { recursive: true }));

const owners = (gateway: number): ReadonlyMap<string, number> => new Map([['images', ENGINE], ['containers', ENGINE], ['networks', ENGINE], ['volumes', ENGINE], ['gateway', gateway]]);

test("a password is its service's process's alone to read, no group's; the executor's and the operator's are root's; also when the gateway has moved out", () => {
  const access = (user: string): string => {
    const { uid, gid, mode } = statSync(credentialsPath(settings, user));
    return `${uid} ${gid} ${(mode & 0o777).toString(8)}`;
  };
  for (const gateway of [ENGINE, GATEWAY]) {
    ensureNatsPasswords(settings, owners(gateway));
    for (const user of ['images', 'containers', 'networks', 'volumes']) expect(access(user)).toBe(`${ENGINE} 0 400`);
    expect(access('gateway')).toBe(`${gateway} 0 400`);
    for (const user of ['executor', 'operator']) expect(access(user)).toBe('0 0 400');
  }
});

test('a password stays what it is, and differs from the others', () => {
  const first = ensureNatsPasswords(settings, owners(ENGINE));
  expect(ensureNatsPasswords(settings, owners(ENGINE))).toEqual(first);
  expect(new Set(Object.values(first)).size).toBe(Object.values(first).length);
  expect(readCredentials(settings, 'gateway').pass).toBe(first.gateway);
});
