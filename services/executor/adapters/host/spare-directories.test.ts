import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MNT_DETACH, MS_REMOUNT, mount, umount2 } from '#libs/linux/mounts.js';
import { SpareDirectories } from './spare-directories.js';

const MOST = 2;
const contents = { directories: [{ name: 'diff', mode: 0o755 }, { name: 'work', mode: 0o700 }], files: [{ name: 'hosts', mode: 0o644 }] };
const trash = { remove: async (path: string) => rmSync(path, { recursive: true, force: true }) };
let top: string;
let root: string;
let spares: SpareDirectories;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'berth-spare-'));
  root = join(top, 'spare');
  spares = new SpareDirectories(root, MOST);
});
afterEach(() => {
  spares.close();
  rmSync(top, { recursive: true });
});
const modeOf = (path: string): number => statSync(path).mode & 0o777;
const take = (path: string): Promise<unknown> => expect.poll(() => spares.take(path)).toBe(true);

test('one that is ready becomes a container\'s, as the container would have made it, and others are made', async () => {
  expect(spares.take(join(top, 'early'))).toBe(false);
  await spares.start(contents, trash);
  for (const name of ['one', 'two', 'three']) {
    const path = join(top, name);
    await take(path);
    expect([path, `${path}/diff`, `${path}/work`, `${path}/hosts`].map(modeOf)).toEqual([0o710, 0o755, 0o700, 0o644]);
  }
  await expect.poll(() => readdirSync(root).length).toBe(MOST);
});

test('what is there already stays', async () => {
  await spares.start(contents, trash);
  await expect.poll(() => readdirSync(root).length).toBe(MOST);
  mkdirSync(join(top, 'old'));
  expect(spares.take(join(top, 'old'))).toBe(false);
  expect(readdirSync(join(top, 'old'))).toEqual([]);
});

test('what an executor before left is not used', async () => {
  mkdirSync(join(root, '1'), { recursive: true });
  writeFileSync(join(root, '1', 'half'), '');
  await spares.start(contents, trash);
  await take(join(top, 'one'));
  expect(existsSync(join(top, 'one', 'half'))).toBe(false);
});

test('a disk without room for one keeps nobody from starting, and has them once it has room', async () => {
  const small = join(top, 'small');
  mkdirSync(small);
  mount('tmpfs', small, 'tmpfs', 0, 'nr_inodes=2');
  const onSmall = new SpareDirectories(join(small, 'spare'), MOST);
  try {
    writeFileSync(join(small, 'filler'), '');
    await onSmall.start(contents, trash);
    expect(onSmall.take(join(small, 'one'))).toBe(false);
    mount('tmpfs', small, 'tmpfs', MS_REMOUNT, 'nr_inodes=100');
    await expect.poll(() => onSmall.take(join(small, 'one'))).toBe(true);
  } finally {
    onSmall.close();
    umount2(small, MNT_DETACH);
  }
});
