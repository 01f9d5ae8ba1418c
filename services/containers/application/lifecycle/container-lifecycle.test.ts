import { afterEach, expect, test, vi } from 'vitest';
import type { ContainerEvent } from '#contracts/containers/events.js';
import { unavailable } from '#libs/errors/errors.js';
import { asked, at, LifecycleWorld } from '../testing/lifecycle-world.js';

let world: LifecycleWorld;
afterEach(() => {
  vi.useRealTimers();
  return world.close();
});

/** A container with an address, whose launches are answered when the test says so. */
async function inABridge(): Promise<readonly PromiseWithResolvers<unknown>[]> {
  world = await LifecycleWorld.with({ NetworkMode: 'bridge', RestartPolicy: { Name: 'always' } });
  world.answers.set('allocate-endpoint', ({ endpoint }) => ({ position: 0, address: `address of ${endpoint}`, ports: [] }));
  const launches = [Promise.withResolvers<unknown>(), Promise.withResolvers<unknown>()];
  world.answers.set('launch-task', ({ start = 0 }) => launches[start - 1]?.promise);
  return launches;
}

const addressOf = async (start: number): Promise<unknown> => {
  const event = (await world.containers.history('c1')).find((one) => one.type === 'ContainerStarted' && one.start === start);
  return event?.type === 'ContainerStarted' ? event.endpoint?.address : undefined;
};

test.each<[string, (launch: PromiseWithResolvers<unknown> | undefined) => void]>([
  ['answer', (launch) => launch?.resolve({ position: 0, pid: 7, startedAt: at })],
  ['failure', (launch) => launch?.reject(unavailable('no answer'))],
])('a late %s of a start whose run is over takes nothing from the next start', async (_, settle) => {
  const launches = await inABridge();
  const first = world.lifecycle.starts.start('c1', 'api', asked).catch(() => undefined);
  await expect.poll(() => world.count('launch-task')).toBe(1);
  // What the executor told on the log before it died.
  await world.lifecycle.starts.recordStarted('c1', 1, 7, at, asked);
  await world.exited(1);
  await expect.poll(() => world.count('launch-task')).toBe(2);
  settle(launches[0]);
  await first;

  let isSettled = false;
  const settled = world.lifecycle.starts.settled('c1').then(() => (isSettled = true));
  await new Promise(setImmediate);
  expect(isSettled).toBe(false);
  await world.lifecycle.starts.recordStarted('c1', 2, 8, at, asked);
  expect([await addressOf(1), await addressOf(2)]).toEqual(['address of c1-1', 'address of c1-2']);
  launches[1]?.resolve({ position: 0, pid: 8, startedAt: at });
  await settled;
  expect(world.status).toBe('running');
});

test('a network is that of the container that has the name at the start, which may have come later', async () => {
  world = await LifecycleWorld.with({ NetworkMode: 'container:bb' });
  const starting = () => world.lifecycle.starts.start('c1', 'api', asked);
  await expect(starting()).rejects.toThrow('joining network namespace of container: No such container: bb');
  await world.beside('bb11', {}, { type: 'StartRequested', container: 'bb11', start: 1, reason: 'api', at }, { type: 'ContainerStarted', container: 'bb11', start: 1, pid: 8, at });
  await starting();
  expect(world.asked).toContainEqual({ what: 'launch-task', start: 2, lender: 'bb11' });
});

test('its own network is none to join', async () => {
  world = await LifecycleWorld.with({ NetworkMode: 'container:web' });
  await world.names.execute('web', { type: 'Claim', name: 'web', container: 'c1' }, asked);
  await expect(world.lifecycle.starts.start('c1', 'api', asked)).rejects.toThrow('cannot join own network namespace');
});

test('what began while the engine that asked for it died is recorded with its address', async () => {
  await inABridge();
  await world.containers.execute('c1', { type: 'Start', reason: 'api', at }, asked);
  // As the next engine's watch of tasks does.
  await world.lifecycle.starts.recordStarted('c1', 1, 7, at, asked);
  expect(await addressOf(1)).toBe('address of c1-1');
  await world.lifecycle.starts.recordStarted('c1', 1, 7, at, asked);
  expect([world.count('allocate-endpoint'), world.count('release-endpoint')]).toEqual([1, 0]);
});

test('an address told again to a start that was given up meanwhile is given back', async () => {
  await inABridge();
  const answer = Promise.withResolvers<unknown>();
  world.answers.set('allocate-endpoint', () => answer.promise);
  await world.containers.execute('c1', { type: 'Start', reason: 'api', at }, asked);
  const recorded = world.lifecycle.starts.recordStarted('c1', 1, 7, at, asked);
  await world.containers.execute('c1', { type: 'RecordStartFailed', start: 1, error: 'no', exitCode: 128, at }, asked);
  answer.resolve({ position: 0, ports: [] });
  await recorded;
  expect(world.asked.filter(({ what }) => what === 'release-endpoint')).toEqual([{ what: 'release-endpoint', endpoint: 'c1-1' }]);
});

test('a start of what waits for its restart asks for no address', async () => {
  const launches = await inABridge();
  launches[0]?.resolve({ position: 0, pid: 7, startedAt: at });
  await world.lifecycle.starts.start('c1', 'api', asked);
  await world.exited(1);
  const before = world.asked.length;
  expect(await world.lifecycle.starts.start('c1', 'api', asked)).toMatchObject({ changed: false });
  expect([world.status, world.asked.slice(before)]).toEqual(['restarting', []]);
});

test('what runs goes on where its start could not be recorded, and is recorded with its address when the log takes it', async () => {
  const launches = await inABridge();
  launches[0]?.resolve({ position: 0, pid: 7, startedAt: at });
  world.store.fates.set('ContainerStarted', ['full']);
  await expect(world.lifecycle.starts.start('c1', 'api', asked)).rejects.toMatchObject({ kind: 'unavailable' });
  // As the watch of tasks does, until the log has it.
  await world.lifecycle.starts.recordStarted('c1', 1, 7, at, asked);
  expect({ status: world.status, address: await addressOf(1), ended: world.count('end-task') }).toEqual({ status: 'running', address: 'address of c1-1', ended: 0 });
});

test.each<[string, (launch: PromiseWithResolvers<unknown> | undefined) => void, number]>([
  ['has started', (launch) => launch?.resolve({ position: 0, pid: 7, startedAt: at }), 1],
  ['failed, and is then the next try', (launch) => launch?.reject(unavailable('no answer')), 2],
])('a start that comes beside another is answered when that one %s', async (_, settle, launched) => {
  const launches = await inABridge();
  launches[1]?.resolve({ position: 0, pid: 8, startedAt: at });
  const first = world.lifecycle.starts.start('c1', 'api', asked).catch(() => 'failed');
  await expect.poll(() => world.count('launch-task')).toBe(1);
  let isAnswered = false;
  const second = world.lifecycle.starts.start('c1', 'api', asked).finally(() => (isAnswered = true));
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  expect(isAnswered).toBe(false);
  settle(launches[0]);
  expect(await Promise.all([first, second])).toMatchObject([launched === 1 ? { changed: true } : 'failed', { changed: launched === 2 }]);
  expect([world.status, world.count('launch-task')]).toEqual(['running', launched]);
});

test('a start waits for that of the container whose network it shares', async () => {
  world = await LifecycleWorld.with({ NetworkMode: 'container:c2' });
  await world.beside('c2', {});
  const lender = Promise.withResolvers<unknown>();
  world.answers.set('launch-task', () => (world.count('launch-task') === 1 ? lender.promise : { position: 0, pid: 8, startedAt: at }));
  const starts = ['c2', 'c1'].map((id) => world.lifecycle.starts.start(id, 'api', asked));
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  expect([world.status, world.count('launch-task')]).toEqual(['starting', 1]);
  lender.resolve({ position: 0, pid: 7, startedAt: at });
  await Promise.all(starts);
  expect([world.status, world.count('launch-task')]).toEqual(['running', 2]);
});

test('what is removed while its start waits for another is not launched', async () => {
  world = await LifecycleWorld.with({ NetworkMode: 'container:c2' });
  await world.beside('c2', {});
  const lender = Promise.withResolvers<unknown>();
  world.answers.set('launch-task', () => lender.promise);
  const starts = ['c2', 'c1'].map((id) => world.lifecycle.starts.start(id, 'api', asked));
  await expect.poll(() => world.count('launch-task')).toBe(1);
  await new Promise(setImmediate);
  const removed = world.lifecycle.removals.remove('c1', { force: true, volumes: false }, asked);
  await expect.poll(() => world.status).toBe('removing');
  lender.resolve({ position: 0, pid: 7, startedAt: at });
  expect(await Promise.allSettled(starts)).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: { message: 'container c1 was removed while it started' } }]);
  await removed;
  expect([world.status, world.count('launch-task')]).toEqual(['absent', 1]);
});

test('what was launched while it was being removed is ended', async () => {
  world = await LifecycleWorld.with({});
  const launch = Promise.withResolvers<unknown>();
  world.answers.set('launch-task', () => launch.promise);
  // The executor has not heard of it at first.
  world.answers.set('end-task', () => (world.count('end-task') === 1 ? { position: 0 } : world.exited(1)));
  const start = world.lifecycle.starts.start('c1', 'api', asked).catch(() => undefined);
  await expect.poll(() => world.count('launch-task')).toBe(1);
  const removed = world.lifecycle.removals.remove('c1', { force: true, volumes: false }, asked);
  await expect.poll(() => world.count('end-task')).toBe(1);
  launch.resolve({ position: 0, pid: 7, startedAt: at });
  await Promise.all([start, removed]);
  expect([world.status, world.count('end-task')]).toEqual(['absent', 2]);
});

test('limits that are changed while it starts are given to what has started', async () => {
  world = await LifecycleWorld.with({});
  const launch = Promise.withResolvers<unknown>();
  world.answers.set('launch-task', () => launch.promise);
  const start = world.lifecycle.starts.start('c1', 'api', asked);
  await expect.poll(() => world.count('launch-task')).toBe(1);
  const update = world.updates.update({ container: 'c1', changes: { CpuShares: 512 } } as Parameters<typeof world.updates.update>[0], asked);
  await expect.poll(() => world.history()).toContain('UpdateRequested');
  expect(world.count('update-task')).toBe(0);
  launch.resolve({ position: 0, pid: 7, startedAt: at });
  await Promise.all([start, update]);
  expect([world.count('update-task'), (await world.history()).at(-1)]).toEqual([1, 'ContainerUpdated']);
});

test.each([
  ['stop', 15, () => world.lifecycle.stops.stop('c1', {}, asked)],
  ['kill', 9, () => world.lifecycle.kills.kill('c1', undefined, asked)],
])('a %s that comes beside a start is of the run that begins, and waits until its shim can be spoken to', async (_, signal, ask) => {
  const [first, failed]: ContainerEvent[] = [{ type: 'StartRequested', container: 'c1', start: 1, reason: 'api', at }, { type: 'StartFailed', container: 'c1', start: 1, error: 'no', exitCode: 128, at }];
  world = await LifecycleWorld.with({}, first!, failed!);
  const launch = Promise.withResolvers<unknown>();
  world.answers.set('launch-task', () => launch.promise);
  world.answers.set('signal-task', async ({ start = 0 }) => (await world.exited(start), { position: 0 }));
  const [start, ended] = [world.lifecycle.starts.start('c1', 'api', asked), ask()];
  await expect.poll(() => world.count('launch-task')).toBe(1);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  expect(world.count('signal-task')).toBe(0);
  launch.resolve({ position: 0, pid: 7, startedAt: at });
  await Promise.all([start, ended]);
  expect([world.status, world.asked.filter(({ what }) => what === 'signal-task')]).toEqual(['exited', [{ what: 'signal-task', start: 2, signal }]]);
});

test.each([
  ['a pause', 'freeze-task', () => world.pauses.pause('c1', asked)],
  ['a list of its processes', 'task-processes', () => world.processes.list({ container: 'c1', psArgs: '' }, asked)],
  ['a size for its terminal', 'resize-task', () => world.streams.resize({ container: 'c1', rows: 24, columns: 80 }, asked)],
])('%s that comes beside a start is of what has begun', async (_, wanted, ask) => {
  world = await LifecycleWorld.with({});
  const launch = Promise.withResolvers<unknown>();
  world.answers.set('launch-task', () => launch.promise);
  const start = world.lifecycle.starts.start('c1', 'api', asked);
  await expect.poll(() => world.count('launch-task')).toBe(1);
  const done = ask();
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  launch.resolve({ position: 0, pid: 7, startedAt: at });
  await Promise.all([start, done]);
  expect(world.count(wanted)).toBe(1);
});

/** A container that runs, and whose executor is away for eleven seconds before it takes a signal. */
async function withExecutorAway(onSignal: () => void): Promise<void> {
  const started: readonly ContainerEvent[] = [{ type: 'StartRequested', container: 'c1', start: 1, reason: 'api', at }, { type: 'ContainerStarted', container: 'c1', start: 1, pid: 7, at }];
  world = await LifecycleWorld.with({}, ...started);
  vi.useFakeTimers();
  world.answers.set('signal-task', () => new Promise<unknown>((resolve) => void setTimeout(() => (onSignal(), resolve({ position: 0 })), 11_000)));
}

const dies = (): void => void setTimeout(() => void world.exited(1), 100);

test.each([
  ['kill', 9, () => world.lifecycle.kills.kill('c1', undefined, asked)],
  ['stop', 15, () => world.lifecycle.stops.stop('c1', { timeoutSeconds: 5 }, asked)],
])('a %s whose signal arrives late waits for the end from then on', async (_, signal, ask) => {
  await withExecutorAway(dies);
  const [outcome] = await Promise.all([Promise.allSettled([ask()]), vi.advanceTimersByTimeAsync(30_000)]);
  expect(outcome).toMatchObject([{ status: 'fulfilled' }]);
  expect([world.status, world.asked.map((one) => one.signal)]).toEqual(['exited', [signal]]);
});

test('a kill that ends nothing is told as dockerd tells it, which nobody takes for an engine that is away', async () => {
  await withExecutorAway(() => undefined);
  const [outcome] = await Promise.all([Promise.allSettled([world.lifecycle.kills.kill('c1', undefined, asked)]), vi.advanceTimersByTimeAsync(30_000)]);
  expect(outcome).toMatchObject([{ status: 'rejected', reason: { kind: 'internal', message: expect.stringContaining('did not receive an exit event') as string } }]);
});

test('a signal that is none is told with what was not done for it', async () => {
  world = await LifecycleWorld.with({});
  const { stops, restarts, kills } = world.lifecycle;
  await expect(stops.stop('c1', { signal: 'FOO' }, asked)).rejects.toThrow('cannot stop container: c1: invalid signal: FOO');
  await expect(restarts.restart('c1', { signal: 'FOO' }, asked)).rejects.toThrow('Cannot restart container c1: invalid signal: FOO');
  await expect(kills.kill('c1', '65', asked)).rejects.toThrow('cannot kill container: c1: the linux daemon does not support signal 65');
});
