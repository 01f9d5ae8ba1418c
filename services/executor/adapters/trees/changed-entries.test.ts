import { closeSync, constants, linkSync, lutimesSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { changedEntries, type Written } from './changed-entries.js';

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'berth-changes-'));
  for (const name of ['tree', 'base', 'outside']) mkdirSync(join(top, name));
});
afterEach(() => rmSync(top, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(join(top, path, '..'), { recursive: true });
  writeFileSync(join(top, path), text);
  lutimesSync(join(top, path), 1, 1);
}

function changes(written: Written): string[] {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY;
  const [tree, base] = [openSync(join(top, 'tree'), flags), openSync(join(top, 'base'), flags)];
  try {
    return Array.from(changedEntries(tree, base, written), ({ kind, path }) => `${kind} ${path.toString()}`);
  } finally {
    closeSync(tree);
    closeSync(base);
  }
}

test('a whole tree lacks what is gone, an upper directory only what it says', () => {
  write('base/kept/file', 'x');
  write('base/gone', 'x');
  write('tree/kept/file', 'y!');
  write('tree/new/file', 'x');
  expect(changes('whole')).toEqual(['deleted /gone', 'same /kept', 'modified /kept/file', 'added /new', 'added /new/file']);
  expect(changes('upper')).toEqual(['same /kept', 'modified /kept/file', 'added /new', 'added /new/file']);
});

test('what is as it was is left out, and so are places to mount on', () => {
  write('base/etc/passwd', 'x');
  write('tree/etc/passwd', 'x');
  write('tree/etc/hosts', '');
  mkdirSync(join(top, 'tree/dev/shm'), { recursive: true });
  expect(changes('whole')).toEqual([]);
  write('tree/etc/hosts', 'mine');
  expect(changes('whole')).toEqual(['same /etc', 'added /etc/hosts']);
});

test('no symlink is followed, on either side', () => {
  write('outside/secret', 'x');
  symlinkSync(join(top, 'outside'), join(top, 'tree/way'));
  symlinkSync(join(top, 'outside'), join(top, 'base/way'));
  mkdirSync(join(top, 'tree/was-link'));
  linkSync(join(top, 'outside/secret'), join(top, 'tree/was-link/secret'));
  symlinkSync(join(top, 'outside'), join(top, 'base/was-link'));
  for (const side of ['tree', 'base']) lutimesSync(join(top, side, 'way'), 1, 1);
  expect(changes('whole')).toEqual(['modified /was-link', 'added /was-link/secret']);
});
