import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeRoots } from './roots.js';

let top: string;
beforeEach(() => void (top = mkdtempSync(join(tmpdir(), 'berth-roots-'))));
afterEach(() => rmSync(top, { recursive: true }));

test('roots are made where they are missing, and nothing that was tried stays in them', () => {
  const [dataRoot, runRoot] = [join(top, 'a/b/data'), join(top, 'run')];
  makeRoots({ dataRoot, runRoot });
  makeRoots({ dataRoot, runRoot });
  expect([...readdirSync(dataRoot), ...readdirSync(runRoot)]).toEqual([]);
});

test.each([
  ['below /proc', () => '/proc/berth/data', 'ENOENT'],
  ["among the kernel's files", () => '/sys/kernel', /EACCES|EPERM/],
  ['below a device', () => '/dev/null/data', 'EEXIST'],
  ['a file', () => (writeFileSync(join(top, 'file'), ''), join(top, 'file')), 'EEXIST'],
  ['behind links in a circle', () => (symlinkSync('circle', join(top, 'circle')), join(top, 'circle/data')), 'ELOOP'],
  ['behind a link to nothing', () => (symlinkSync('nothing', join(top, 'link')), join(top, 'link')), 'EEXIST'],
])('a root %s is refused by its name', (_where, make, trouble) => {
  const path = make();
  expect(() => makeRoots({ dataRoot: path, runRoot: join(top, 'run') })).toThrow(`BERTH_DATA_ROOT is "${path}", which cannot be: `);
  expect(() => makeRoots({ dataRoot: path, runRoot: join(top, 'run') })).toThrow(trouble);
  expect(() => makeRoots({ dataRoot: join(top, 'data'), runRoot: path })).toThrow(`BERTH_RUN_ROOT is "${path}", which cannot be: `);
});

test('a root on a disk that is read-only is refused by its name', () => {
  const disk = join(top, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=1m', 'none', disk]);
  try {
    for (const path of [disk, join(disk, 'data')]) expect(() => makeRoots({ dataRoot: path, runRoot: join(top, 'run') })).toThrow(/^BERTH_DATA_ROOT is ".*", which cannot be: EROFS/);
  } finally {
    execFileSync('umount', [disk]);
  }
});

test("a folder with things of others does not become a data root, whose rights are Berth's; what was one stays one", () => {
  const [dataRoot, runRoot] = [join(top, 'data'), join(top, 'run')];
  mkdirSync(join(dataRoot, 'lost+found'), { recursive: true });
  mkdirSync(join(dataRoot, 'tools'));
  makeRoots({ dataRoot, runRoot });
  writeFileSync(join(dataRoot, 'passwd'), '');
  const { mode } = statSync(dataRoot);
  expect(() => makeRoots({ dataRoot, runRoot })).toThrow(`BERTH_DATA_ROOT is "${dataRoot}", which has "passwd" in it and is not Berth's`);
  expect(statSync(dataRoot).mode).toBe(mode);
  mkdirSync(join(dataRoot, 'secrets'));
  makeRoots({ dataRoot, runRoot });
});
