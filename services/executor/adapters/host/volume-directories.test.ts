import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TreeThreads } from '../trees/tree-threads.js';
import { Trash } from './trash.js';
import { VolumeDirectories } from './volume-directories.js';

let top: string;
let threads: TreeThreads;
let trash: Trash;
let volumes: VolumeDirectories;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'volumes-'));
  for (const name of ['volumes', 'trash']) mkdirSync(join(top, name));
  threads = new TreeThreads();
  trash = new Trash(join(top, 'trash'), threads, (error) => expect.fail(String(error)));
  volumes = new VolumeDirectories(top, threads, trash);
});
afterEach(async () => {
  trash.close();
  await threads.close();
  rmSync(top, { recursive: true });
});

async function make(name: string): Promise<void> {
  await volumes.ensure(name);
  writeFileSync(join(volumes.data(name), 'file'), '');
}

test('a volume is out of the way before its files are off the disk, however often that is asked for', async () => {
  await make('store');
  const removals = [volumes.remove('store'), volumes.remove('store')];
  expect(readdirSync(join(top, 'volumes'))).toEqual([]);
  expect(readdirSync(join(top, 'trash'))).toEqual([expect.stringMatching(/^store\./)]);
  await Promise.all(removals);
  await expect.poll(() => readdirSync(join(top, 'trash')), { timeout: 10_000 }).toEqual([]);
});

test('a volume goes though the disk is too full to move it', async () => {
  vi.spyOn(trash, 'take').mockImplementation(() => {
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  });
  await make('store');
  await volumes.remove('store');
  expect(readdirSync(join(top, 'volumes'))).toEqual([]);
});

test('a volume on another disk than the trash is taken off it once, for all who ask', async () => {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(top, 'volumes')]);
  try {
    await make('store');
    const run = vi.spyOn(threads, 'run');
    await Promise.all([volumes.remove('store'), volumes.remove('store'), volumes.remove('store')]);
    expect(readdirSync(join(top, 'volumes'))).toEqual([]);
    expect(run.mock.calls).toEqual([['removeTree', { path: volumes.of('store') }]]);
    await make('store');
    await volumes.remove('store');
    expect(readdirSync(join(top, 'volumes'))).toEqual([]);
  } finally {
    execFileSync('umount', [join(top, 'volumes')]);
  }
});
