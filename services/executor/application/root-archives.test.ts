import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, PassThrough, type Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StreamServer } from '#libs/messaging/stream-server.js';
import type { ContainerFiles } from '../adapters/host/container-files.js';
import type { Snapshotter } from '../adapters/snapshots/snapshotter.js';
import type { LiveTasks } from './live-tasks.js';
import { RootArchives } from './root-archives.js';

const container = 'c'.repeat(64);
let top: string;
let archives: RootArchives;
/** What was offered last. */
let serve: (reader: Duplex) => Promise<void>;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'berth-archives-'));
  const live = { all: () => [], byContainer: () => undefined } as unknown as LiveTasks;
  const files = { directory: (id: string) => join(top, id) } as unknown as ContainerFiles;
  const roots = { written: { path: 'diff', withImage: false }, prepare: ({ directory }: { directory: string }) => (mkdirSync(join(directory, 'diff'), { recursive: true }), Promise.resolve({ directory })) } as unknown as Snapshotter;
  const streams = {
    offerWhole: (send: (out: Writable) => Promise<void>) => ((serve = send), { path: '', ticket: '' }),
    offer: (take: (socket: Socket) => Promise<void>) => ((serve = (reader) => take(reader as Socket)), { path: '', ticket: '' }),
  } as unknown as StreamServer;
  archives = new RootArchives(live, files, () => roots, top, (id) => id, streams);
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

describe('readers that leave', () => {
  const wish = { container, layers: [], mounts: [] };
  const path = '/big';
  /** More than there are threads. */
  const MANY = 6;
  beforeEach(() => {
    mkdirSync(join(top, container));
    writeFileSync(join(top, container, path), Buffer.alloc(4 << 20));
  });

  const left = (): Duplex => new PassThrough().destroy();
  const stillServed = (): Promise<unknown> => archives.stat({ ...wish, path });

  test('before the first byte hold no thread', async () => {
    for (let count = 0; count < MANY; count++) {
      await archives.open({ ...wish, path, exports: false });
      await expect(serve(left())).rejects.toThrow();
    }
    await stillServed();
  });

  test('while they wait for a thread are not served once there is one', async () => {
    const readers: (typeof serve)[] = [];
    for (let count = 0; count < MANY; count++) {
      await archives.open({ ...wish, path, exports: false });
      readers.push(serve);
    }
    // Nobody reads: the threads fill what is under way, and wait.
    const outs = readers.map(() => new PassThrough());
    const ends = Promise.allSettled(outs.map((out, at) => readers[at]?.(out)));
    for (const out of outs.toReversed()) out.destroy();
    expect((await ends).map(({ status }) => status)).toEqual(readers.map(() => 'rejected'));
    await stillServed();
  });

  test('and senders hold no thread either', async () => {
    for (let count = 0; count < MANY; count++) {
      await archives.extract({ ...wish, path: '/', readOnlyRoot: false, keepsKinds: false });
      await serve(left());
    }
    await stillServed();
  });
});
