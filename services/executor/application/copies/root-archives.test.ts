import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ContainerMount } from '#contracts/containers/container-state.js';
import type { StreamServer } from '#libs/messaging/stream-server.js';
import { type SocketPair, SocketPairs } from '#libs/messaging/testing/socket-pairs.js';
import type { ContainerFiles } from '../../adapters/host/container-files.js';
import type { Snapshotter } from '../../adapters/snapshots/snapshotter.js';
import { TreeThreads } from '../../adapters/trees/tree-threads.js';
import type { LiveTasks } from '../tasks/live-tasks.js';
import { withToldEnd } from '#libs/messaging/told-end.js';
import { writeTar } from '#libs/oci/tar-writer.js';
import type { PlaceLimits } from './client-places.js';
import { RootArchives } from './root-archives.js';

const container = 'c'.repeat(64);
let top: string;
let archives: RootArchives;
/** What was offered last. */
let serve: (ours: Socket) => Promise<void>;
let pairs: SocketPairs;
/** Of which containers a copy was ended for others. */
let ended: string[];
let archivesWith: (limits: PlaceLimits) => RootArchives;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'berth-archives-'));
  pairs = new SocketPairs();
  ended = [];
  const live = { all: () => [], byContainer: () => undefined } as unknown as LiveTasks;
  const files = { directory: (id: string) => join(top, id) } as unknown as ContainerFiles;
  const roots = { written: { path: 'diff', withImage: false }, prepare: ({ directory }: { directory: string }) => (mkdirSync(join(directory, 'diff'), { recursive: true }), Promise.resolve({ directory })) } as unknown as Snapshotter;
  const streams = {
    offerWhole: (send: (out: Socket) => Promise<void>) => ((serve = send), { path: '', ticket: '' }),
    offer: (take: (socket: Socket) => Promise<void>) => ((serve = take), { path: '', ticket: '' }),
  } as unknown as StreamServer;
  archivesWith = (limits) => (archives = new RootArchives(live, files, () => roots, top, (id) => id, { asParts: (mounts) => mounts, mayNeverAnswer: (mounts) => mounts.length > 0 }, streams, (_, about) => ended.push(about.container), limits));
  archivesWith({ most: 64, patienceMs: 60_000 });
});
afterEach(async () => {
  await archives.close();
  pairs.close();
  rmSync(top, { recursive: true });
});

test('of a container that was removed meanwhile nothing is made anew', async () => {
  archives.removed(container);
  await expect(archives.stat({ ...wishOf(container), path: '/' })).rejects.toMatchObject({ kind: 'not-found' });
  expect(existsSync(join(top, container))).toBe(false);
});

test('one that is back can be looked into', async () => {
  archives.removed(container);
  archives.restored(container);
  await archives.stat({ ...wishOf(container), path: '/' }).catch(() => undefined); // there is no root to mount here
  expect(existsSync(join(top, container, 'diff'))).toBe(true);
});

test('who looks at a path waits for nobody who lists changes', async () => {
  mkdirSync(join(top, container, 'diff'), { recursive: true });
  for (let file = 0; file < 500; file++) writeFileSync(join(top, container, 'diff', String(file)), '');
  let listed = 0;
  const others = Array.from({ length: 60 }, (_, number) => String(number).padStart(64, '0'));
  for (const other of others) symlinkSync(container, join(top, other));
  const lists = others.map((other) => archives.changes({ container: other, layers: [] }).then(() => listed++));
  await archives.stat({ ...wishOf(container), path: '/' }).catch(() => undefined); // there is no root to mount here
  expect(listed).toBeLessThan(50);
  await Promise.all(lists);
});

test('changes that many ask for at a time are listed once more for all who came while they were', async () => {
  mkdirSync(join(top, container, 'diff'), { recursive: true });
  const run = vi.spyOn(TreeThreads.prototype, 'run');
  await Promise.all(Array.from({ length: 20 }, () => archives.changes({ container, layers: [] })));
  expect(run.mock.calls.map(([name]) => name)).toEqual(['listChanges', 'listChanges']);
  run.mockRestore();
});

const path = '/big';
const wishOf = (one: string) => ({ container: one, layers: [], mounts: [], readOnlyRoot: false });

/** A container that does not run, with a file, for most of more bytes than are under way at a time. */
function stoppedContainer(one: string, size = 4 << 20): string {
  mkdirSync(join(top, one, 'diff'), { recursive: true });
  writeFileSync(join(top, one, path), Buffer.alloc(size));
  return one;
}

async function streamPair(): Promise<SocketPair> {
  const pair = await pairs.next();
  pair.ours.on('error', () => pair.ours.destroy());
  return pair;
}

/** As `StreamServer.offerWhole` serves it. */
async function served(ours: Socket): Promise<void> {
  ours.resume().once('end', () => ours.destroy());
  await serve(ours);
  ours.end();
}

/** A client that is offered an archive and takes what comes first, and no more; `end` is how that ended. */
async function unread(one: string, mounts: readonly ContainerMount[] = []): Promise<{ readonly reader: Socket; readonly end: Promise<unknown> }> {
  await archives.open({ ...wishOf(one), mounts, path, exports: false });
  const { ours, theirs: reader } = await streamPair();
  const end = served(ours).then(() => 'whole', (error: unknown) => (ours.destroy(), error));
  await once(reader, 'readable');
  return { reader, end };
}

async function bytesRead(one: string): Promise<number> {
  await archives.open({ ...wishOf(one), path, exports: false });
  const { ours, theirs } = await streamPair();
  const gone = once(ours, 'close');
  const [chunks] = await Promise.all([theirs.toArray(), served(ours)]);
  theirs.destroy();
  await gone;
  return Buffer.concat(chunks as Buffer[]).length;
}

/** Of more containers than there are threads. */
const names = Array.from({ length: 12 }, (_, at) => String(at).padStart(64, '0'));

describe('readers that do not read', () => {
  test('keep nobody from copying, from a path\'s facts or from the changes', async () => {
    const readers = [];
    for (const name of names) readers.push(await unread(stoppedContainer(name)));
    expect(await bytesRead(stoppedContainer(container))).toBeGreaterThan(4 << 20);
    expect((await archives.stat({ ...wishOf(container), path })).sizeBytes).toBe(4 << 20);
    await archives.changes({ container, layers: [] });
    for (const { reader } of readers) reader.destroy();
    await Promise.all(readers.map(({ end }) => end));
  });

  test('nor do many of one container keep others from it, and its start waits for the last of them', async () => {
    stoppedContainer(container);
    const readers = [];
    for (let count = 0; count < names.length; count++) readers.push(await unread(container));
    expect(await bytesRead(container)).toBeGreaterThan(4 << 20);
    expect((await archives.stat({ ...wishOf(container), path })).sizeBytes).toBe(4 << 20);
    let prepared = false;
    const preparing = archives.forStarts().prepare({ directory: join(top, container), layers: [] }).then(() => (prepared = true));
    for (const { reader, end } of readers) {
      expect(prepared).toBe(false);
      reader.destroy();
      await end;
    }
    await preparing;
  });

  test('make room where there is none, those first that were longest without a byte, and are told of', async () => {
    archivesWith({ most: 2, patienceMs: 0 });
    const first = await unread(stoppedContainer(names[0]!));
    const second = await unread(stoppedContainer(names[1]!));
    expect(await bytesRead(stoppedContainer(container))).toBeGreaterThan(4 << 20);
    expect(ended).toEqual([names[0]]);
    expect(await first.end).toMatchObject({ kind: 'unavailable', message: expect.stringContaining('others waited for its place') });
    second.reader.destroy();
    await second.end;
  });
});

test('a copy of a container with what may never answer has neither the place nor the thread of another', async () => {
  archivesWith({ most: 1, patienceMs: 60_000 });
  const run = vi.spyOn(TreeThreads.prototype, 'run');
  const source = stoppedContainer('of the host');
  const mounts = [{ type: 'bind', source: join(top, source), target: '/mnt', readOnly: true, mode: '', propagation: 'rprivate' }] as const;
  const distant = await unread(stoppedContainer(names[0]!), mounts);
  const apart = new Set(run.mock.contexts.splice(0));
  expect(await bytesRead(stoppedContainer(container))).toBeGreaterThan(4 << 20);
  expect(run.mock.contexts.some((threads) => apart.has(threads))).toBe(false);
  run.mockRestore();
  distant.reader.destroy();
  await distant.end;
});

test('a reader that leaves but the end unread makes room', async () => {
  archivesWith({ most: 1, patienceMs: 0 });
  const { end } = await unread(stoppedContainer(names[0]!, 400_000));
  expect(await bytesRead(stoppedContainer(container))).toBeGreaterThan(4 << 20);
  expect(await end).toMatchObject({ kind: 'unavailable' });
});

test('a sender that sends nothing makes room as well, and hears why', async () => {
  archivesWith({ most: 1, patienceMs: 0 });
  await archives.extract({ ...wishOf(stoppedContainer(container)), path: '/', keepsKinds: false });
  const { ours, theirs } = await streamPair();
  const received = serve(ours);
  expect(await bytesRead(container)).toBeGreaterThan(4 << 20);
  await received;
  expect(JSON.parse(Buffer.concat((await theirs.toArray()) as Buffer[]).toString())).toMatchObject({ kind: 'unavailable' });
  theirs.destroy();
  await once(ours, 'close');
});

test('who removes files hears when nobody reads them any more, and of nobody where none does', async () => {
  const [first, second] = [await unread(stoppedContainer(container)), await unread(container)];
  let isRead = true;
  const told = archives.unread(container)?.then(() => (isRead = false));
  first.reader.destroy();
  await first.end;
  expect(isRead).toBe(true);
  second.reader.destroy();
  await second.end;
  await told;
  expect(isRead).toBe(false);
  expect(archives.unread(container)).toBeUndefined();
  expect(archives.unread(names[0]!)).toBeUndefined();
});

test('an archive whose sender left between two of its files is told from a whole one', async () => {
  const parts: Buffer[] = [];
  for await (const part of writeTar([{ path: 'a', body: Buffer.from('1') }])) parts.push(part);
  const told = async (send: (theirs: Socket) => void): Promise<string> => {
    await archives.extract({ ...wishOf(stoppedContainer(container)), path: '/', keepsKinds: false });
    const { ours, theirs } = await streamPair();
    const received = serve(ours);
    send(theirs);
    await received;
    const answer = Buffer.concat((await theirs.toArray()) as Buffer[]).toString();
    theirs.destroy();
    return answer;
  };
  expect(await told((theirs) => void withToldEnd(theirs).end(Buffer.concat(parts)))).toBe('');
  expect(JSON.parse(await told((theirs) => void withToldEnd(theirs).write(Buffer.concat(parts), () => theirs.end())))).toMatchObject({ kind: 'unavailable' });
});

describe('readers that leave', () => {
  const wish = wishOf(container);
  /** More than there are places. */
  const MANY = 6;
  beforeEach(() => {
    archivesWith({ most: 4, patienceMs: 60_000 });
    stoppedContainer(container);
  });

  /** One that the server sees has left, or does not see yet. */
  const left = async (isSeen: boolean): Promise<Socket> => {
    const { ours, theirs } = await streamPair();
    theirs.destroy();
    if (isSeen) await once(ours.resume().once('end', () => ours.destroy()), 'close');
    else await once(theirs, 'close');
    return ours;
  };
  const stillServed = (): Promise<unknown> => bytesRead(container);

  test('before the first byte hold no thread', async () => {
    for (let count = 0; count < MANY; count++) {
      await archives.open({ ...wish, path, exports: false });
      await expect(serve(await left(count % 2 === 0))).rejects.toThrow();
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
    const outs: Socket[] = [];
    for (const _ of readers) outs.push((await streamPair()).ours);
    const ends = Promise.allSettled(outs.map((out, at) => readers[at]?.(out)));
    for (const out of outs.toReversed()) out.destroy();
    expect((await ends).map(({ status }) => status)).toEqual(readers.map(() => 'rejected'));
    await stillServed();
  });

  test('and senders hold no thread either', async () => {
    for (let count = 0; count < MANY; count++) {
      await archives.extract({ ...wish, path: '/', keepsKinds: false });
      await serve(await left(count % 2 === 0));
    }
    await stillServed();
  });
});
