import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CgroupLayout } from '#libs/cgroup/layout.js';
import { CgroupParents } from './cgroup-parents.js';

/** Plain directories stand for two hierarchies: they are made and removed as cgroups are. test/e2e/cgroup-parent.test.ts has the kernel's. */
let root = '';
let layout: CgroupLayout;
const there = (path: string): readonly boolean[] => ['memory', 'pids'].map((hierarchy) => existsSync(join(root, hierarchy, path)));
const parents = (): CgroupParents => new CgroupParents(layout, join(root, 'run', 'cgroup-parents'));

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'berth-parents-'));
  for (const hierarchy of ['memory', 'pids']) mkdirSync(join(root, hierarchy));
  layout = { mode: 'v1', controllers: new Map([['memory', join(root, 'memory')], ['pids', join(root, 'pids')]]) };
});
afterEach(() => rmSync(root, { recursive: true }));

test('what was missing is made in every hierarchy, and goes when nobody needs it', () => {
  const made = parents();
  made.make('/a/b');
  expect(there('a/b')).toEqual([true, true]);
  made.tidy(['/a/b']);
  expect(there('a/b')).toEqual([true, true]);
  made.tidy([]);
  expect(there('a')).toEqual([false, false]);
});

test('what was there stays, in the one hierarchy where it was', () => {
  mkdirSync(join(root, 'memory', 'a'));
  const made = parents();
  made.make('/a/b');
  made.tidy([]);
  expect(there('a')).toEqual([true, false]);
  expect(there('a/b')).toEqual([false, false]);
});

test('what is on the way to another parent stays', () => {
  const made = parents();
  made.make('/a/b');
  made.make('/a/c');
  made.tidy(['/a/c']);
  expect([there('a/b'), there('a/c')]).toEqual([[false, false], [true, true]]);
});

test('one that somebody else is in stays, and goes at the next look', () => {
  const made = parents();
  made.make('/a');
  mkdirSync(join(root, 'pids', 'a', 'guest'));
  made.tidy([]);
  expect(there('a')).toEqual([false, true]);
  rmSync(join(root, 'pids', 'a', 'guest'), { recursive: true });
  made.tidy([]);
  expect(there('a')).toEqual([false, false]);
});

test('a later executor knows what an earlier one made, and not more', () => {
  parents().make('/a/b');
  mkdirSync(join(root, 'memory', 'mine'));
  parents().tidy([]);
  expect([there('a'), there('mine')]).toEqual([[false, false], [true, false]]);
  parents().make('/a'); // and again
  expect(there('a')).toEqual([true, true]);
});

test('the top is there already', () => {
  const made = parents();
  made.make('');
  made.tidy([]);
  expect(there('')).toEqual([true, true]);
});
