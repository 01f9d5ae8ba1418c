import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Cause, type DomainEvent, type Head, noHead } from '#libs/event-store/event.js';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import { VolumeReferences } from './volume-references.js';

const cause: Cause = { correlationId: 'c', causationId: 'd', actor: 'test' };
let folder: string;
let store: MemoryEventStore;
let references: VolumeReferences;
let givenUp: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-references-'));
  store = new MemoryEventStore();
  givenUp = [];
  references = new VolumeReferences(store, join(folder, 'snapshot'), (container) => givenUp.push(container));
});
afterEach(async () => {
  await references.stop();
  rmSync(folder, { recursive: true });
});

async function happen(subject: `berth.event.${string}`, event: DomainEvent & Record<string, unknown>, head: Head = noHead): Promise<Head> {
  const { position, hash } = await store.append(subject, head, [event], cause);
  return { sequence: position, hash };
}
const seen = async (): Promise<void> => void (await references.newest('none'), await new Promise(setImmediate));
const claim = () => happen('berth.event.name.web', { type: 'NameClaimed', name: 'web', container: 'c1' });
const release = (head: Head) => happen('berth.event.name.web', { type: 'NameReleased', name: 'web', container: 'c1' }, head);
const create = () => happen('berth.event.container.c1', { type: 'ContainerCreated', container: 'c1', mounts: [{ name: 'anonymous-1', anonymous: true }] });

test('a container that is being made has not left its volumes, also for a service that starts just then', async () => {
  await claim();
  await references.start();
  expect(references.hasLeft('c1')).toBe(false);
  expect(references.hasLeft('of nobody')).toBe(true);
  await create();
  await seen();
  expect([references.hasLeft('c1'), references.of('anonymous-1')]).toEqual([false, ['c1']]);
});

test('volumes of an edit are in use from now on, and those it left until the run that has them is over', async () => {
  await references.start();
  const subject = 'berth.event.container.c2';
  const mounts = (...names: string[]) => names.map((name) => ({ name }));
  let head = await happen(subject, { type: 'ContainerCreated', container: 'c2', mounts: mounts('old') });
  const next = async (event: DomainEvent & Record<string, unknown>): Promise<string[]> => {
    head = await happen(subject, { container: 'c2', ...event }, head);
    await seen();
    return ['old', 'new'].filter((name) => references.of(name).length > 0);
  };
  expect(await next({ type: 'ContainerEdited', mounts: mounts('new'), pending: ['mounts'] })).toEqual(['old', 'new']);
  expect(await next({ type: 'ContainerEdited', mounts: mounts('new'), pending: [] })).toEqual(['old', 'new']);
  expect(await next({ type: 'ContainerExited' })).toEqual(['new']);
  // Nothing of one that does not run waits.
  expect(await next({ type: 'ContainerEdited', mounts: mounts('old'), pending: [] })).toEqual(['old']);
});

test('a volume that an edit mounts is in use from the moment it is wanted, and only as long as that may come of it', async () => {
  await references.start();
  const subject = 'berth.event.container.c2';
  let head = await happen(subject, { type: 'ContainerCreated', container: 'c2', mounts: [{ name: 'old' }] });
  const next = async (event: DomainEvent & Record<string, unknown>): Promise<readonly string[]> => {
    head = await happen(subject, { container: 'c2', ...event }, head);
    return await references.newest('new');
  };
  const mounts = [{ name: 'old' }, { name: 'new' }];
  await references.want('new', 'c2');
  expect(await references.newest('new')).toEqual(['c2']);
  await references.release('c2');
  expect(await references.newest('new')).toEqual([]);
  await references.want('new', 'c2');
  expect(await next({ type: 'EditRequested', mounts, pending: ['mounts'] })).toEqual(['c2']);
  await references.release('c2');
  expect(references.of('new')).toEqual(['c2']);
  expect(await next({ type: 'EditFailed' })).toEqual([]);
  await references.want('new', 'c2');
  expect(await next({ type: 'ContainerEdited', mounts, pending: [] })).toEqual(['c2']);
  expect(await next({ type: 'ContainerEdited', mounts: [], pending: [] })).toEqual([]);
});

test('a volume that stayed when its container was removed is in use while that is on its way back', async () => {
  await references.start();
  const subject = 'berth.event.container.c2';
  let head = noHead;
  const next = async (event: DomainEvent & Record<string, unknown>): Promise<void> => {
    head = await happen(subject, { container: 'c2', ...event }, head);
    await seen();
  };
  await next({ type: 'ContainerCreated', mounts: [{ name: 'named' }, { name: 'gone-along', anonymous: true }] });
  await next({ type: 'RemoveRequested', volumes: true });
  await next({ type: 'ContainerRemoved', keptUntil: '2030-01-01T00:00:00.000Z' });
  expect(references.of('named')).toEqual([]);
  await references.want('named', 'c2');
  await next({ type: 'RestoreRequested', name: 'web' });
  await references.release('c2');
  await references.saveSnapshot();
  await references.stop();
  references = new VolumeReferences(store, join(folder, 'snapshot'), () => undefined);
  await references.start();
  expect([references.of('named'), references.of('gone-along')]).toEqual([['c2'], []]);
  await next({ type: 'ContainerRestored', mounts: [{ name: 'named' }, { name: 'gone-along', anonymous: true }] });
  expect([references.of('named'), references.of('gone-along')]).toEqual([['c2'], ['c2']]);
});

test('what the last container that had it went without is left, until somebody removes it', async () => {
  await references.start();
  const heads = new Map<string, Head>();
  const next = async (subject: `berth.event.${string}`, event: DomainEvent & Record<string, unknown>): Promise<boolean> => {
    heads.set(subject, await happen(subject, event, heads.get(subject)));
    await seen();
    return references.isLeft('v');
  };
  const of = (container: string, event: DomainEvent & Record<string, unknown>) => next(`berth.event.container.${container}`, { container, ...event });
  const mounts = [{ name: 'v', anonymous: true }];
  await of('c1', { type: 'ContainerCreated', mounts });
  await of('c2', { type: 'ContainerCreated', mounts });
  await of('c1', { type: 'RemoveRequested', volumes: true });
  expect(await of('c1', { type: 'ContainerRemoved', keptUntil: '2030-01-01T00:00:00.000Z' })).toBe(false);
  await of('c1', { type: 'RestoreRequested', name: 'web' });
  expect(references.of('v')).toEqual(['c2', 'c1']);
  await of('c1', { type: 'RestoreFailed', error: '' });
  await of('c2', { type: 'RemoveRequested', volumes: false });
  expect(await of('c2', { type: 'ContainerRemoved' })).toBe(true);
  await references.saveSnapshot();
  await references.stop();
  references = new VolumeReferences(store, join(folder, 'snapshot'), () => undefined);
  await references.start();
  expect([references.isLeft('v'), references.of('v'), references.hasLeft('c1')]).toEqual([true, [], true]);
  expect(await next('berth.event.volume.v', { type: 'VolumeRemoved', name: 'v' })).toBe(false);
});

test('a container that is given up before it came to be is told of', async () => {
  await references.start();
  const claimed = await claim();
  await release(claimed);
  await seen();
  expect([references.hasLeft('c1'), givenUp]).toEqual([true, ['c1']]);
});

test('a container that was made and gives its name back was not given up', async () => {
  await references.start();
  const claimed = await claim();
  await create();
  await release(claimed);
  await seen();
  expect([references.hasLeft('c1'), givenUp]).toEqual([false, []]);
});

test('a volume is in use by a container that is being made, from the moment it wants it until it is there', async () => {
  await references.start();
  await claim();
  await references.hold('named', 'c1');
  expect([await references.newest('named'), await references.newest('another')]).toEqual([['c1'], []]);
  await happen('berth.event.container.c1', { type: 'ContainerCreated', container: 'c1', mounts: [] });
  expect(await references.newest('named')).toEqual([]);
});

test('a volume is not in use by a container that was given up, also if that was heard of late', async () => {
  await references.start();
  const claimed = await claim();
  await references.hold('named', 'c1');
  await release(claimed);
  expect(await references.newest('named')).toEqual([]);
  await references.hold('named', 'c1');
  expect(references.of('named')).toEqual([]);
});

test('what is being made is in the snapshot', async () => {
  await references.start();
  await claim();
  await seen();
  await references.saveSnapshot();
  await references.stop();
  references = new VolumeReferences(store, join(folder, 'snapshot'), () => undefined);
  await references.start();
  expect(references.hasLeft('c1')).toBe(false);
});
