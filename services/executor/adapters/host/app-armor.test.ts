import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { AppArmor } from './app-armor.js';

const folder = mkdtempSync(join(tmpdir(), 'berth-app-armor-'));
afterAll(() => rmSync(folder, { recursive: true }));

const none = join(folder, 'none');
const [enabled, disabled, parser, policy] = ['enabled', 'disabled', 'parser', 'policy'].map((name) => join(folder, name)) as [string, string, string, string];
writeFileSync(enabled, 'Y\n');
writeFileSync(disabled, 'N\n');
writeFileSync(parser, '');
mkdirSync(policy);

test('a kernel with AppArmor on, and no parser or none of its files here, is warned of', () => {
  expect(AppArmor.trouble({}, { enabled, policy, parser: none })).toContain(`not confined by it: ${none} is not there. The Debian package apparmor`);
  expect(AppArmor.trouble({}, { enabled, policy: none, parser })).toContain(`${none} is not there`);
  expect(AppArmor.trouble({}, { enabled, policy: `${none}/a`, parser: `${none}/b` })).toContain(`${none}/a and ${none}/b are not there`);
});

test('one that has all, has AppArmor off or not, or is a container itself, is not', () => {
  expect(AppArmor.trouble({}, { enabled, policy, parser })).toBeUndefined();
  for (const other of [disabled, none]) expect(AppArmor.trouble({}, { enabled: other, policy: none, parser: none })).toBeUndefined();
  expect(AppArmor.trouble({ container: 'lxc' }, { enabled, policy: none, parser: none })).toBeUndefined();
});
