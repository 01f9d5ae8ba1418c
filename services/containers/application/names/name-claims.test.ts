import { afterEach, expect, test } from 'vitest';
import type { ContainerEvent, NameEvent } from '#contracts/containers/events.js';
import type { RequestContext } from '#contracts/request.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { type AggregateSubject, type DomainEvent, noHead } from '#libs/event-store/event.js';
import { type Fate, StallingEventStore } from '#libs/event-store/testing/stalling-event-store.js';
import { containerDecider } from '../../domain/container/container-decider.js';
import { nameDecider } from '../../domain/name/name-decider.js';
import type { ExecRuns } from '../processes/exec-runs.js';
import { ContainerDirectory, type Containers, type Names } from './container-directory.js';
import { ContainerRenames } from './container-renames.js';
import { NameClaims } from './name-claims.js';

const asked: RequestContext = { actor: 'service:containers', correlationId: 'c', causationId: 'recovery' };
const at = '2026-01-01T00:00:00.000000000Z';

const created = (container: string, name: string): ContainerEvent => ({ type: 'ContainerCreated', container, name, config: {}, hostConfig: {}, imageId: '', imageRef: '', layers: [], path: 'sh', args: [], mounts: [], at });
const started: readonly ContainerEvent[] = [{ type: 'StartRequested', container: 'c1', start: 1, reason: 'api', at }, { type: 'ContainerStarted', container: 'c1', start: 1, pid: 7, at }];
const claimed = (container: string, name: string): NameEvent => ({ type: 'NameClaimed', name, container });
const released = (container: string, name: string): NameEvent => ({ type: 'NameReleased', name, container });

interface World {
  readonly store: StallingEventStore;
  readonly containers: Containers;
  readonly claims: NameClaims;
  readonly renames: ContainerRenames;
  /** Each container by what it is called, the status told where it is on its way out; and who holds which name. */
  readonly seen: () => { readonly called: Record<string, string>; readonly held: Record<string, string> };
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** What is on the log of containers and of names, oldest first. */
async function world(...history: readonly (ContainerEvent | NameEvent)[]): Promise<World> {
  const store = new StallingEventStore();
  for (const event of history) {
    const subject: AggregateSubject = 'name' in event && !('at' in event) ? `berth.event.name.${event.name}` : `berth.event.container.${event.container}`;
    const sequence = (await store.read(subject)).at(-1);
    await store.append(subject, sequence === undefined ? noHead : { sequence: sequence.position, hash: sequence.hash }, [event as DomainEvent], asked);
  }
  const containers: Containers = new Aggregates(store, 'container', containerDecider, { source: 'containers', isGone: ({ status }) => status === 'absent' });
  const names: Names = new Aggregates(store, 'name', nameDecider, { source: 'containers', isGone: ({ holder }) => holder === '' });
  await Promise.all([containers.start(), names.start()]);
  const directory = new ContainerDirectory(containers, names, {} as ExecRuns, '/');
  const claims = new NameClaims(names, containers, directory, (error) => expect.unreachable(String(error)));
  claims.start();
  closing.push(async () => {
    claims.stop();
    await Promise.all([containers.stop(), names.stop()]);
  });
  const seen = () => ({
    called: Object.fromEntries(directory.all().map(({ spec, status }) => [spec.id, status === 'removing' ? status : spec.name])),
    held: Object.fromEntries(Array.from(names.entries(), ([name, { holder }]) => [name, holder])),
  });
  return { store, containers, claims, renames: new ContainerRenames(containers, names, directory, claims), seen };
}

const refusal = (work: Promise<unknown>): Promise<unknown> => work.then(() => undefined, (error: unknown) => error);

test('at a start, a container whose creation was refused for its name goes', async () => {
  const { claims, seen } = await world(created('c1', 'web'), claimed('c1', 'web'), created('c2', 'web'));
  await claims.settle(asked);
  expect(seen()).toEqual({ called: { c1: 'web', c2: 'removing' }, held: { web: 'c1' } });
});

test('at a start, no container goes that was more than a refused creation: it is called as it was before', async () => {
  const renamed: ContainerEvent = { type: 'ContainerRenamed', container: 'c1', name: 'new', oldName: 'old', at };
  const { claims, seen } = await world(created('c1', 'old'), claimed('c1', 'old'), ...started, claimed('c1', 'new'), renamed, released('c1', 'new'), created('c2', 'new'), claimed('c2', 'new'));
  await claims.settle(asked);
  expect(seen()).toEqual({ called: { c1: 'old', c2: 'new' }, held: { old: 'c1', new: 'c2' } });
});

test.each<[string, readonly ContainerEvent[], readonly NameEvent[]]>([
  ['started', started, []],
  ['made under that name', [], [claimed('c1', 'web'), released('c1', 'web')]],
])('at a start, a container that was %s, and has no name of its own any more, is given another', async (_, events, names) => {
  const { claims, seen } = await world(created('c1', 'web'), ...events, ...names, created('c2', 'web'), claimed('c2', 'web'));
  await claims.settle(asked);
  const { called, held } = seen();
  expect(called).toEqual({ c1: expect.stringMatching(/^[a-z]+_[a-z]+/), c2: 'web' });
  expect(held).toEqual({ [called['c1'] ?? '']: 'c1', web: 'c2' });
});

test('at a start, a name that was not claimed yet is, and one that nobody bears is free', async () => {
  const { claims, seen } = await world(created('c1', 'web'), claimed('c1', 'other'), claimed('c2', 'gone'));
  await claims.settle(asked);
  expect(seen()).toEqual({ called: { c1: 'web' }, held: { web: 'c1' } });
});

test('a log that does not answer at a start costs no container', async () => {
  const { claims, store, seen } = await world(created('c1', 'web'));
  store.fates.set('NameClaimed', ['lost']);
  await expect(claims.settle(asked)).rejects.toMatchObject({ kind: 'unavailable' });
  expect(seen().called).toEqual({ c1: 'web' });
});

test('a log that is full at a start keeps it from nothing: what it does not take is tried on', async () => {
  const { claims, store, seen } = await world(created('c1', 'web'), claimed('c2', 'gone'));
  store.fates.set('NameClaimed', ['full', 'full']);
  store.fates.set('NameReleased', ['full']);
  await claims.settle(asked);
  await expect.poll(() => seen().held).toEqual({ web: 'c1' });
});

test('two renames of one container at once leave it with one name', async () => {
  const { renames, seen } = await world(created('c1', 'r0'), claimed('c1', 'r0'));
  await Promise.all([renames.rename('c1', 'r1', asked), renames.rename('c1', 'r2', asked)]);
  expect(seen()).toEqual({ called: { c1: 'r2' }, held: { r2: 'c1' } });
});

test('a rename that comes again with its key is done, also by what the container was called before', async () => {
  const { renames, seen } = await world(created('c1', 'r0'), claimed('c1', 'r0'));
  const keyed = { ...asked, idempotencyKey: 'key' };
  for (const _ of ['first', 'again']) expect(await refusal(renames.rename('r0', 'r1', keyed))).toBeUndefined();
  expect(await refusal(renames.rename('r0', 'r1', { ...asked, idempotencyKey: 'another' }))).toMatchObject({ kind: 'not-found' });
  expect(seen()).toEqual({ called: { c1: 'r1' }, held: { r1: 'c1' } });
});

test('a container renamed back while it is renamed keeps its name', async () => {
  const { renames, seen } = await world(created('c1', 'r0'), claimed('c1', 'r0'));
  await Promise.all([renames.rename('c1', 'r1', asked), Promise.resolve().then(() => renames.rename('c1', 'r0', asked))].map(refusal));
  const { called, held } = seen();
  expect(held).toEqual({ [called['c1'] ?? '']: 'c1' });
});

test.each<Fate>(['unheard', 'late'])('a rename whose acknowledgement is lost (%s) leaves the container with the name that it bears', async (fate) => {
  const { renames, store, seen } = await world(created('c1', 'old'), claimed('c1', 'old'));
  store.fates.set('ContainerRenamed', [fate]);
  expect(await refusal(renames.rename('c1', 'new', asked))).toMatchObject({ kind: 'unavailable' });
  // Whose the new name is does not become another's while that is not known.
  expect(seen().held['new']).toBe('c1');
  await store.land();
  await expect.poll(seen).toEqual({ called: { c1: 'new' }, held: { new: 'c1' } });
});

test('a rename that the log never had is over with the next that happens to its container', async () => {
  const { renames, store, containers, seen } = await world(created('c1', 'old'), claimed('c1', 'old'));
  store.fates.set('ContainerRenamed', ['late']);
  expect(await refusal(renames.rename('c1', 'new', asked))).toMatchObject({ kind: 'unavailable' });
  await containers.execute('c1', { type: 'Protect', at }, asked);
  await store.land();
  await expect.poll(seen).toEqual({ called: { c1: 'old' }, held: { old: 'c1' } });
});

test('a rename that the log refused for lack of room is over at once', async () => {
  const { renames, store, seen } = await world(created('c1', 'old'), claimed('c1', 'old'));
  store.fates.set('ContainerRenamed', ['full']);
  expect(await refusal(renames.rename('c1', 'new', asked))).toMatchObject({ kind: 'unavailable' });
  expect(seen()).toEqual({ called: { c1: 'old' }, held: { old: 'c1' } });
});

test('what the log did not release is released as soon as it does', async () => {
  const { renames, store, seen } = await world(created('c1', 'old'), claimed('c1', 'old'));
  store.fates.set('NameReleased', ['lost', 'lost']);
  await renames.rename('c1', 'new', asked);
  await expect.poll(seen).toEqual({ called: { c1: 'new' }, held: { new: 'c1' } });
});

test('a name that was claimed behind the back of who was refused it is free again', async () => {
  const { claims, store, seen } = await world();
  store.fates.set('NameClaimed', ['late']);
  expect(await refusal(claims.claim('web', 'c1', asked))).toMatchObject({ kind: 'unavailable' });
  await store.land();
  await claims.claim('web', 'c2', asked).catch(() => undefined);
  await expect.poll(() => seen().held['web']).not.toBe('c1');
});
