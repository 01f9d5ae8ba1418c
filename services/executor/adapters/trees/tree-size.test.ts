import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { treeSize } from './tree-size.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-size-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('all files count, one with two names once, and what a symlink leads to not at all', () => {
  mkdirSync(join(directory, 'a/b'), { recursive: true });
  writeFileSync(join(directory, 'one'), Buffer.alloc(100));
  writeFileSync(join(directory, 'a/b/two'), Buffer.alloc(1000));
  linkSync(join(directory, 'one'), join(directory, 'a/again'));
  symlinkSync('/usr', join(directory, 'a/out')); // four bytes
  expect(treeSize({ directory })).toBe(1104);
});

test('what is not there has no size', () => expect(treeSize({ directory: join(directory, 'none') })).toBe(0));
