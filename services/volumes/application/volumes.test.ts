import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EnsureVolumeDirectory, ListVolumeDirectories, RemoveVolumeDirectory } from '#contracts/executor/host.js';
import { RestoreVolumeDirectory } from '#contracts/executor/kept.js';
import type { RequestContext } from '#contracts/request.js';
import { internal, unavailable } from '#libs/errors/errors.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { type DomainEvent, noHead } from '#libs/event-store/event.js';
import { type Fate, StallingEventStore } from '#libs/event-store/testing/stalling-event-store.js';
import type { Bus } from '#libs/messaging/bus.js';
import { volumeDecider } from '../domain/volume/volume-decider.js';
import { type VolumeAggregates, VolumeDirectories } from './volume-directories.js';
import { VolumeReferences } from './volume-references.js';
import { Volumes } from './volumes.js';

const asked: RequestContext = { actor: 'test', correlationId: 'c', causationId: 'd' };
const notAnswered = { kind: 'unavailable' };

let folder: string;
let store: StallingEventStore;
/** What is in each volume's directory, and in those that are kept. */
let disk: Map<string, string>;
let kept: Map<string, string>;
let isExecutorDown: boolean;
/** Volumes that the disk does not let go of, or not in time. */
let stuck: Set<string>;
let slow: Set<string>;
let aggregates: VolumeAggregates;
let references: VolumeReferences;
let directories: VolumeDirectories;
let volumes: Volumes;

function move(from: Map<string, string>, to: Map<string, string>, name: string): void {
  const files = from.get(name);
  if (files !== undefined) to.set(name, files);
  from.delete(name);
}

const executor = async ({ subject }: { subject: string }, { name, keptFor }: { name: string; keptFor?: string }): Promise<object> => {
  await new Promise(setImmediate);
  if (isExecutorDown) throw unavailable('nobody listens');
  if (subject === ListVolumeDirectories.subject) return { whole: [...disk.keys()], half: [] };
  if (subject === EnsureVolumeDirectory.subject && !disk.has(name)) disk.set(name, '');
  if (subject === RestoreVolumeDirectory.subject) move(kept, disk, name);
  if (subject === RemoveVolumeDirectory.subject && keptFor !== undefined) move(disk, kept, name);
  else if (subject === RemoveVolumeDirectory.subject) {
    if (stuck.has(name)) throw internal('EPERM');
    if (slow.has(name)) throw unavailable('no answer in time');
    disk.delete(name);
  }
  return { position: 0 };
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'berth-volumes-'));
  [store, disk, kept, isExecutorDown, stuck, slow] = [new StallingEventStore(), new Map(), new Map(), false, new Set(), new Set()];
  await start();
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true });
});

async function start(): Promise<void> {
  const bus = { request: executor } as unknown as Bus;
  const fail = (error: unknown): void => expect.unreachable(String(error));
  references = new VolumeReferences(store, join(folder, 'snapshot'), (container) => volumes.removeVolumesOf(container));
  aggregates = new Aggregates(store, 'volume', volumeDecider, { source: 'volumes', isGone: ({ status }) => status === 'absent', mayReturn: 10 });
  directories = new VolumeDirectories(aggregates, bus, references);
  volumes = new Volumes(aggregates, directories, bus, '/', references, fail);
  directories.start();
  volumes.start();
  await aggregates.start();
  await references.start();
  await volumes.reconcile();
}

async function stop(): Promise<void> {
  volumes.stop();
  directories.stop();
  await Promise.all([aggregates.stop(), references.stop()]);
}

const create = (name: string) => volumes.create({ name } as never, asked);
const createFor = (container: string) => volumes.create({ container } as never, asked);
const remove = (name: string, keptFor?: string) => volumes.remove({ name, force: true, ...(keptFor === undefined ? {} : { keptFor }) }, asked);
const listed = (): string[] => volumes.list().volumes.map(({ name }) => name);
async function happen(subject: `berth.event.${string}`, event: DomainEvent & Record<string, unknown>): Promise<void> {
  const newest = (await store.read(subject)).at(-1);
  await store.append(subject, newest === undefined ? noHead : { sequence: newest.position, hash: newest.hash }, [event], asked);
  await references.catchUp();
}
const claim = (container: string) => happen(`berth.event.name.of-${container}`, { type: 'NameClaimed', name: `of-${container}`, container });
const giveUp = (container: string) => happen(`berth.event.name.of-${container}`, { type: 'NameReleased', name: `of-${container}`, container });
/** For as long as it is kept. */
const letGo = (container: string) => happen(`berth.event.container.${container}`, { type: 'ContainerRemoved', container, keptUntil: 'later' });
const mount = (container: string, name: string, anonymous = false) => happen(`berth.event.container.${container}`, { type: 'ContainerCreated', container, mounts: [{ name, anonymous }] });

test.each<Fate>(['unheard', 'late'])('a volume whose creation was not acknowledged has a directory once it is on the log (%s)', async (fate) => {
  store.fates.set('VolumeCreated', [fate]);
  await expect(create('cache')).rejects.toMatchObject(notAnswered);
  await store.land();
  await expect.poll(() => [listed(), [...disk]]).toEqual([['cache'], [['cache', '']]]);
});

test.each<Fate>(['unheard', 'late'])('the directory of a volume whose removal was not acknowledged goes once that is on the log (%s), and nobody gets its files', async (fate) => {
  await create('cache');
  disk.set('cache', 'secret');
  store.fates.set('VolumeRemoved', [fate]);
  await expect(remove('cache')).rejects.toMatchObject(notAnswered);
  await store.land();
  await create('cache');
  expect([listed(), [...disk]]).toEqual([['cache'], [['cache', '']]]);
  await remove('cache');
  expect([listed(), [...disk]]).toEqual([[], []]);
});

test('a removal that the executor was down for is made good before the name is used again, and without', async () => {
  await create('cache');
  disk.set('cache', 'secret');
  isExecutorDown = true;
  await expect(remove('cache')).rejects.toMatchObject(notAnswered);
  await expect(create('cache')).rejects.toMatchObject(notAnswered);
  expect(listed()).toEqual([]);
  isExecutorDown = false;
  await expect.poll(() => [...disk]).toEqual([]);
});

test('a volume that is there for whoever asked is not lost to a removal from before', async () => {
  await create('cache');
  disk.set('cache', 'mine');
  store.fates.set('VolumeRemoved', ['late']);
  await expect(remove('cache')).rejects.toMatchObject(notAnswered);
  const { createdAt } = volumes.get('cache');
  expect(await create('cache')).toMatchObject({ created: false, createdAt });
  await store.land();
  await aggregates.waitFor(await store.lastPosition());
  await create('cache');
  expect([listed(), [...disk]]).toEqual([['cache'], [['cache', 'mine']]]);
});

test('a volume that a container came to use before its removal came is there again, with its files', async () => {
  await volumes.create({ name: 'cache', labels: { a: '1' } } as never, asked);
  disk.set('cache', 'in use');
  store.fates.set('VolumeRemoved', ['late']);
  await expect(remove('cache')).rejects.toMatchObject(notAnswered);
  await mount('c1', 'cache');
  await store.land();
  await aggregates.waitFor(await store.lastPosition());
  await expect.poll(listed).toEqual(['cache']);
  expect([volumes.get('cache').labels, [...disk]]).toEqual([{ a: '1' }, [['cache', 'in use']]]);
});

test('an anonymous volume that came later than its container was given up goes again', async () => {
  await claim('c1');
  store.fates.set('VolumeCreated', ['late']);
  await expect(createFor('c1')).rejects.toMatchObject(notAnswered);
  await giveUp('c1');
  await store.land();
  const [created] = await store.read((await store.commitAt(await store.lastPosition()))!.subject);
  expect(created?.events[0]).toMatchObject({ type: 'VolumeCreated' });
  await expect.poll(async () => (await store.read(created!.subject)).length).toBe(2);
  await expect.poll(() => [listed(), [...disk]]).toEqual([[], []]);
});

test('an anonymous volume that comes late stays where its container is still being made', async () => {
  await claim('c1');
  store.fates.set('VolumeCreated', ['late']);
  await expect(createFor('c1')).rejects.toMatchObject(notAnswered);
  await store.land();
  await expect.poll(() => disk.size).toBe(1);
  expect(listed()).toEqual([...disk.keys()]);
});

test.each<Fate>(['full', 'lost', 'late'])('volumes of a container that was given up go as soon as the log takes it (%s)', async (fate) => {
  await claim('c1');
  await createFor('c1');
  store.fates.set('VolumeRemoved', [fate]);
  await giveUp('c1');
  await expect.poll(() => [listed(), [...disk]]).toEqual([[], []]);
});

test.each<Fate>(['full', 'lost', 'unheard'])('volumes that a removed container should take along go though nobody asks again (%s)', async (fate) => {
  await claim('c1');
  const { name } = await createFor('c1');
  await mount('c1', name, true);
  await happen('berth.event.container.c1', { type: 'RemoveRequested', container: 'c1', volumes: true });
  await happen('berth.event.container.c1', { type: 'ContainerRemoved', container: 'c1', keptUntil: 'later' });
  disk.set(name, 'kept');
  store.fates.set('VolumeRemoved', [fate]);
  await expect(remove(name, 'c1')).rejects.toMatchObject(notAnswered);
  await expect.poll(() => [listed(), [...disk], [...kept]]).toEqual([[], [], [[name, 'kept']]]);
});

test('a volume that its maker could not take along stays where the last container that had it went without it, also over a restart', async () => {
  await claim('c1');
  const { name } = await createFor('c1');
  await mount('c1', name, true);
  await mount('c2', name, true);
  disk.set(name, 'mine');
  const removeContainer = async (container: string, taken: boolean) => {
    await happen(`berth.event.container.${container}`, { type: 'RemoveRequested', container, volumes: taken });
    await happen(`berth.event.container.${container}`, { type: 'ContainerRemoved', container });
  };
  await removeContainer('c1', true);
  await expect(remove(name)).rejects.toMatchObject({ kind: 'conflict' });
  await removeContainer('c2', false);
  await stop();
  await start();
  await expect(volumes.remove({ name, force: true, removedWith: 'c1', keptFor: 'c1' }, asked)).rejects.toMatchObject({ kind: 'conflict' });
  expect([listed(), [...disk]]).toEqual([[name], [[name, 'mine']]]);
  // The next one takes it along, and does not live to see it gone.
  await mount('c3', name, true);
  await removeContainer('c3', true);
  await stop();
  await start();
  expect([listed(), [...disk]]).toEqual([[], []]);
});

test('what could not be put aside while it might have come back goes with its container', async () => {
  await create('cache');
  await letGo('c1');
  isExecutorDown = true;
  await expect(remove('cache', 'c1')).rejects.toMatchObject(notAnswered);
  await happen('berth.event.container.c1', { type: 'ContainerDiscarded', container: 'c1' });
  // What it was asked before is refused by then.
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  isExecutorDown = false;
  await expect.poll(() => [[...disk], [...kept]]).toEqual([[], []]);
});

test('a volume that comes back has its files, though that was not acknowledged', async () => {
  await create('cache');
  await letGo('c1');
  disk.set('cache', 'mine');
  await remove('cache', 'c1');
  store.fates.set('VolumeRestored', ['late']);
  await expect(volumes.restore({ name: 'cache', container: 'c1' }, asked)).rejects.toMatchObject(notAnswered);
  await store.land();
  await expect.poll(() => [listed(), [...disk]]).toEqual([['cache'], [['cache', 'mine']]]);
});

test('a volume of whose name another was made since does not come back over that, and does once that is gone', async () => {
  await volumes.create({ name: 'cache', labels: { a: '1' } } as never, asked);
  await letGo('c1');
  disk.set('cache', 'mine');
  await remove('cache', 'c1');
  await create('cache');
  await expect(volumes.restore({ name: 'cache', container: 'c1' }, asked)).rejects.toMatchObject({ kind: 'conflict', message: expect.stringContaining('was made since') });
  expect([[...disk], [...kept]]).toEqual([[['cache', '']], [['cache', 'mine']]]);
  await remove('cache');
  await volumes.restore({ name: 'cache', container: 'c1' }, asked);
  await volumes.restore({ name: 'cache', container: 'c1' }, asked);
  expect([volumes.get('cache').labels, [...disk]]).toEqual([{ a: '1' }, [['cache', 'mine']]]);
});

test('a volume that was made of the name of one that went with a container does not go when that asks again', async () => {
  const along = (name: string) => volumes.remove({ name, force: true, removedWith: 'c1', keptFor: 'c1' }, asked);
  await claim('c1');
  const { name } = await createFor('c1');
  await mount('c1', name, true);
  await happen('berth.event.container.c1', { type: 'RemoveRequested', container: 'c1', volumes: true });
  await happen('berth.event.container.c1', { type: 'ContainerRemoved', container: 'c1', keptUntil: 'later' });
  await along(name);
  await along(name);
  expect(listed()).toEqual([]);
  await create(name);
  await expect(along(name)).rejects.toMatchObject({ kind: 'conflict' });
  expect(listed()).toEqual([name]);
});

test('a volume whose name was made up says so by a label, whatever it was made with', async () => {
  const label = 'com.docker.volume.anonymous';
  const made = await volumes.create({ labels: { a: 'b', [label]: 'no' } } as never, asked);
  expect([made.labels, volumes.get(made.name).labels]).toEqual([{ a: 'b', [label]: '' }, { a: 'b', [label]: '' }]);
  expect((await create('named')).labels).toEqual({});
});

test('what is asked for at once is done one after the other: no volume loses its directory to the removal before it', async () => {
  await create('cache');
  await Promise.all([remove('cache'), create('cache'), remove('cache'), create('cache')]);
  expect([listed(), [...disk]]).toEqual([['cache'], [['cache', '']]]);
});

test('a creation that is asked for again after the volume was removed is answered as the first time, and makes nothing', async () => {
  const keyed = { ...asked, idempotencyKey: 'k' };
  await volumes.create({ name: 'cache' } as never, keyed);
  await remove('cache');
  expect(await volumes.create({ name: 'cache' } as never, keyed)).toMatchObject({ name: 'cache', created: true });
  expect([listed(), [...disk]]).toEqual([[], []]);
});

test('a volume that a container which is being made borrows of another stays when that takes its volumes along, until it is given up', async () => {
  await volumes.create({ name: 'cache' } as never, asked);
  await claim('c1');
  expect(await volumes.hold({ name: 'cache', container: 'c1', beingMade: true }, asked)).toMatchObject({ name: 'cache' });
  await expect(remove('cache')).rejects.toMatchObject({ kind: 'conflict', message: 'remove cache: volume is in use - [c1]' });
  await giveUp('c1');
  await remove('cache');
  await expect(volumes.hold({ name: 'cache', container: 'c2', beingMade: true }, asked)).rejects.toMatchObject({ kind: 'not-found' });
});

test('what a container came to nothing with is made anew for the same request', async () => {
  const keyed = { ...asked, idempotencyKey: 'k' };
  const wish = { name: 'cache', heldFor: 'c1' } as never;
  await volumes.create(wish, keyed);
  await remove('cache');
  expect(await volumes.create(wish, keyed)).toMatchObject({ created: true });
  expect([listed(), [...disk]]).toEqual([['cache'], [['cache', '']]]);
});

test('what was removed while the service was down is made good at its start', async () => {
  await create('cache');
  isExecutorDown = true;
  await expect(remove('cache')).rejects.toMatchObject(notAnswered);
  await stop();
  isExecutorDown = false;
  await start();
  expect([listed(), [...disk]]).toEqual([[], []]);
});

test('a volume that the disk does not let go of holds back nobody but who wants its name, and goes once it can', async () => {
  for (const name of ['gone', 'stuck', 'too']) await create(name);
  disk.set('stuck', 'secret');
  stuck.add('stuck');
  await expect(remove('stuck')).rejects.toThrow('EPERM');
  isExecutorDown = true;
  await expect(remove('too')).rejects.toMatchObject(notAnswered);
  await stop();
  isExecutorDown = false;
  await start();
  expect([...disk.keys()]).toEqual(['gone', 'stuck']);
  expect(await create('other')).toMatchObject({ created: true });
  await expect(create('stuck')).rejects.toThrow('EPERM');
  expect(listed()).toEqual(['gone', 'other']);
  stuck.clear();
  await create('stuck');
  expect(disk.get('stuck')).toBe('');
});

test('a volume that the disk is slow to let go of holds back nobody at a start, and those after it go all the same', async () => {
  for (const name of ['slow', 'too']) await create(name);
  isExecutorDown = true;
  for (const name of ['slow', 'too']) await expect(remove(name)).rejects.toMatchObject(notAnswered);
  await stop();
  isExecutorDown = false;
  slow.add('slow');
  await start();
  expect(await create('other')).toMatchObject({ created: true });
  await expect(create('slow')).rejects.toMatchObject(notAnswered);
  await expect.poll(() => [...disk.keys()]).toEqual(['slow', 'other']);
  slow.clear();
  await expect.poll(() => [...disk.keys()]).toEqual(['other']);
});

test('a removal that the disk refused is done later in the same life', async () => {
  await create('cache');
  stuck.add('cache');
  await expect(remove('cache')).rejects.toThrow('EPERM');
  stuck.clear();
  await expect.poll(() => [...disk]).toEqual([]);
});

test('who asks before what was there is looked at gets nothing of it', async () => {
  await create('cache');
  disk.set('cache', 'secret');
  stuck.add('cache');
  await expect(remove('cache')).rejects.toThrow('EPERM');
  await stop();
  const started = start();
  await expect(create('cache')).rejects.toThrow('EPERM');
  await started;
  stuck.clear();
  await create('cache');
  expect([...disk]).toEqual([['cache', '']]);
});
