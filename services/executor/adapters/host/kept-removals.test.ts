import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TreeThreads } from '../trees/tree-threads.js';
import { KeptRemovals } from './kept-removals.js';
import { Trash } from './trash.js';
import { VolumeDirectories } from './volume-directories.js';

const CONTAINER = 'c'.repeat(64);

let top: string;
let threads: TreeThreads;
let trash: Trash;
let kept: KeptRemovals;
let volumes: VolumeDirectories;
/** Volumes are on a disk of their own. */
beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'kept-'));
  for (const name of ['volumes', 'trash', 'kept', 'containers']) mkdirSync(join(top, name));
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(top, 'volumes')]);
  threads = new TreeThreads();
  trash = new Trash(join(top, 'trash'), threads, (error) => expect.fail(String(error)));
  kept = new KeptRemovals(top, trash);
  volumes = new VolumeDirectories(top, threads, trash);
  await volumes.ensure('store');
  writeFileSync(join(volumes.data('store'), 'file'), '');
  expect(kept.keepVolume(CONTAINER, 'store', volumes.of('store'))).toBe(true);
});
afterEach(async () => {
  trash.close();
  await threads.close();
  execFileSync('umount', [join(top, 'volumes')]);
  rmSync(top, { recursive: true });
});

test('a volume on a disk of its own is kept there, and comes back', async () => {
  expect(existsSync(volumes.of('store'))).toBe(false);
  expect(kept.look(CONTAINER, join(top, 'containers', CONTAINER))).toEqual({ files: false, volumes: ['store'] });
  expect(await volumes.list()).toEqual({ whole: [], half: [] });
  kept.restoreVolume(CONTAINER, 'store', volumes.of('store'));
  kept.restoreContainer(CONTAINER, join(top, 'containers', CONTAINER));
  expect(readdirSync(volumes.data('store'))).toEqual(['file']);
  expect(kept.look(CONTAINER, join(top, 'containers', CONTAINER)).volumes).toEqual([]);
});

test('a volume that was kept on a disk of its own is taken off it with its container, or when nobody knows that any more', async () => {
  await kept.sweep(new Set([CONTAINER]));
  expect(kept.look(CONTAINER, '').volumes).toEqual(['store']);
  await kept.discard(CONTAINER);
  expect(readdirSync(join(top, 'volumes/.kept'))).toEqual([]);
  await volumes.ensure('store');
  kept.keepVolume(CONTAINER, 'store', volumes.of('store'));
  await kept.sweep(new Set());
  expect(readdirSync(join(top, 'volumes/.kept'))).toEqual([]);
});

test('files of a container that cannot be moved to where they would be kept stay where they are', () => {
  const elsewhere = join(top, 'volumes/container');
  mkdirSync(elsewhere);
  expect(kept.keepContainer(CONTAINER, elsewhere)).toBe(false);
  expect(existsSync(elsewhere)).toBe(true);
});

test('what is made anew of a container whose files are kept is not in the way of who asks again that they are', () => {
  const directory = join(top, 'containers', CONTAINER);
  for (const file of ['own', 'late']) {
    mkdirSync(directory);
    writeFileSync(join(directory, file), '');
    expect(kept.keepContainer(CONTAINER, directory)).toBe(true);
  }
  expect([existsSync(directory), readdirSync(join(top, 'kept', CONTAINER))]).toEqual([false, ['own']]);
});
