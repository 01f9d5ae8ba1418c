import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { credentialsPath, readCredentials } from '#libs/settings/credentials.js';
import { readSupervisorSettings, type SupervisorSettings } from '../settings.js';
import { ensureNatsPasswords } from './credentials.js';

const ENGINE_GROUP = 12_345;
let settings: SupervisorSettings;

beforeEach(() => {
  settings = readSupervisorSettings({ BERTH_DATA_ROOT: mkdtempSync(join(tmpdir(), 'berth-credentials-')) });
  mkdirSync(join(settings.dataRoot, 'secrets'));
});
afterEach(() => rmSync(settings.dataRoot, { recursive: true }));

test("the engine's group reads the passwords of unprivileged services, and not the executor's or the operator's", () => {
  ensureNatsPasswords(settings, ENGINE_GROUP);
  const access = (user: string): string => {
    const { gid, mode } = statSync(credentialsPath(settings, user));
    return `${gid} ${(mode & 0o777).toString(8)}`;
  };
  for (const user of ['gateway', 'images', 'containers', 'networks', 'volumes']) expect(access(user)).toBe(`${ENGINE_GROUP} 640`);
  for (const user of ['executor', 'operator']) expect(access(user)).toBe('0 640');
});

test('a password stays what it is, and differs from the others', () => {
  const first = ensureNatsPasswords(settings, ENGINE_GROUP);
  expect(ensureNatsPasswords(settings, ENGINE_GROUP)).toEqual(first);
  expect(new Set(Object.values(first)).size).toBe(Object.values(first).length);
  expect(readCredentials(settings, 'gateway').pass).toBe(first.gateway);
});
