import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StreamServer } from '#libs/messaging/stream-server.js';
import type { ContainerFiles } from '../adapters/host/container-files.js';
import type { Snapshotter } from '../adapters/snapshots/snapshotter.js';
import type { LiveTasks } from './live-tasks.js';
import { RootArchives } from './root-archives.js';

const container = 'c'.repeat(64);
let top: string;
let archives: RootArchives;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'berth-archives-'));
  const live = { all: () => [], byContainer: () => undefined } as unknown as LiveTasks;
  const files = { directory: (id: string) => join(top, id) } as unknown as ContainerFiles;
  const roots = { written: { path: 'diff', withImage: false }, prepare: ({ directory }: { directory: string }) => (mkdirSync(join(directory, 'diff')), Promise.resolve({ directory })) } as unknown as Snapshotter;
  archives = new RootArchives(live, files, () => roots, top, (id) => id, {} as StreamServer);
});
afterEach(async () => {
  await archives.close();
  rmSync(top, { recursive: true });
});

test('of a container that was removed meanwhile nothing is made anew', async () => {
  archives.removed(container);
  await expect(archives.stat({ container, layers: [], mounts: [], path: '/' })).rejects.toMatchObject({ kind: 'not-found' });
  expect(existsSync(join(top, container))).toBe(false);
});

test('one that is back can be looked into', async () => {
  archives.removed(container);
  archives.restored(container);
  await archives.stat({ container, layers: [], mounts: [], path: '/' }).catch(() => undefined); // there is no root to mount here
  expect(existsSync(join(top, container, 'diff'))).toBe(true);
});
