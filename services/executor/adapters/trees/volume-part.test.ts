import { closeSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openPart, preparePart } from './volume-part.js';

let top: string;
let volume: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'berth-part-'));
  volume = join(top, 'volume');
  for (const path of ['volume/here', 'outside']) mkdirSync(join(top, path), { recursive: true });
  writeFileSync(join(volume, 'here/file'), 'of the volume');
});
afterEach(() => rmSync(top, { recursive: true }));

test('what is missing on the way to a part is made, and what is there stays', () => {
  preparePart({ volume, below: 'here/new/deep', makes: true });
  preparePart({ volume, below: 'here/file', makes: true });
  expect(statSync(join(volume, 'here/new/deep')).isDirectory()).toBe(true);
  const part = openPart({ volume, below: 'here/file' });
  expect(readFileSync(`/proc/self/fd/${part}`, 'utf8')).toBe('of the volume');
  closeSync(part);
});

test('links within the volume lead to where they do', () => {
  symlinkSync('here', join(volume, 'link'));
  preparePart({ volume, below: 'link/new', makes: true });
  expect(existsSync(join(volume, 'here/new'))).toBe(true);
});

test.each(['../outside', `${tmpdir()}/elsewhere`])('a link that leads out, to %s, has nothing made or looked for', (to) => {
  symlinkSync(to, join(volume, 'link'));
  for (const makes of [true, false]) expect(() => preparePart({ volume, below: 'link/made', makes })).toThrow('path concatenation escapes the base directory');
  expect(existsSync(join(top, 'outside/made'))).toBe(false);
});

test('what is not to be made is missed', () => {
  expect(() => preparePart({ volume, below: 'here/none', makes: false })).toThrow(`bind source path does not exist: ${volume}/here/none`);
});
