import { afterEach, expect, test, vi } from 'vitest';
import type { ContainerEvent } from '#contracts/containers/events.js';
import type { HostConfig } from '#contracts/containers/container-config.js';
import { internal, unavailable } from '#libs/errors/errors.js';
import type { Fate } from '#libs/event-store/testing/stalling-event-store.js';
import { asked, at, LifecycleWorld } from '../testing/lifecycle-world.js';

const started: readonly ContainerEvent[] = [{ type: 'StartRequested', container: 'c1', start: 1, reason: 'api', at }, { type: 'ContainerStarted', container: 'c1', start: 1, pid: 7, at }];
const exited: ContainerEvent = { type: 'ContainerExited', container: 'c1', start: 1, exitCode: 1, signal: 0, oomKilled: false, reason: 'error', at };
const always: HostConfig = { RestartPolicy: { Name: 'always' } };

let world: LifecycleWorld;
afterEach(() => world.close());

const given = async (hostConfig: HostConfig, ...history: readonly ContainerEvent[]): Promise<void> => {
  world = await LifecycleWorld.with(hostConfig, ...history);
};

/** Each way in which an intent is on the log though whoever appended it was told that it may not be. */
const UNHEARD: readonly Fate[] = ['unheard', 'late'];

test.each(UNHEARD)('a start that is on the log and was not answered (%s) is carried out, once', async (fate) => {
  await given({});
  world.store.fates.set('StartRequested', [fate]);
  await expect(world.lifecycle.starts.start('c1', 'api', asked)).rejects.toMatchObject({ kind: 'unavailable' });
  await world.store.land();
  await expect.poll(() => world.status).toBe('running');
  expect(world.asked).toEqual([{ what: 'launch-task', start: 1 }]);
});

test.each([['that was removed meanwhile is no trouble', true], ['that fails is told of', false]])('a start that is gone on with %s', async (_, isRemoved) => {
  await given({ NetworkMode: 'bridge' }, { type: 'StartRequested', container: 'c1', start: 1, reason: 'api', at });
  world.answers.set('allocate-endpoint', async () => {
    if (!isRemoved) throw internal('no address');
    await world.happen({ type: 'RemoveRequested', container: 'c1', force: true, volumes: false, at });
    await world.happen({ type: 'ContainerRemoved', container: 'c1', at });
  });
  await world.resume();
  await expect.poll(() => world.status).toBe(isRemoved ? 'absent' : 'created');
  await expect.poll(() => world.troubles).toMatchObject(isRemoved ? [] : [{ message: 'no address' }]);
  expect(world.count('launch-task')).toBe(0);
});

test('a start that was answered is carried out by who asked for it alone', async () => {
  await given({});
  await world.lifecycle.starts.start('c1', 'api', asked);
  expect(world.asked).toEqual([{ what: 'launch-task', start: 1 }]);
});

test.each(UNHEARD)('a stop that is on the log and was not answered (%s) is carried out, once', async (fate) => {
  await given({}, ...started);
  world.store.fates.set('StopRequested', [fate]);
  world.answers.set('signal-task', () => world.exited(1));
  await expect(world.lifecycle.stops.stop('c1', {}, asked)).rejects.toMatchObject({ kind: 'unavailable' });
  await world.store.land();
  await expect.poll(() => world.status).toBe('exited');
  expect(world.asked).toEqual([{ what: 'signal-task', start: 1, signal: 15 }]);
});

test('a signal that was not answered is sent', async () => {
  await given({}, ...started);
  world.store.fates.set('KillRequested', ['late']);
  await expect(world.lifecycle.kills.kill('c1', 'USR1', asked)).rejects.toMatchObject({ kind: 'unavailable' });
  expect(world.asked).toEqual([]);
  await world.store.land();
  await expect.poll(() => world.asked).toEqual([{ what: 'signal-task', start: 1, signal: 10 }]);
});

test('a pause and a change of limits that were not answered are made', async () => {
  await given({}, ...started);
  world.store.fates.set('PauseRequested', ['unheard']).set('UpdateRequested', ['unheard']);
  await expect(world.updates.update({ container: 'c1', changes: { CpuShares: 512 } } as Parameters<typeof world.updates.update>[0], asked)).rejects.toMatchObject({ kind: 'unavailable' });
  await expect(world.pauses.pause('c1', asked)).rejects.toMatchObject({ kind: 'unavailable' });
  await expect.poll(() => world.history()).toEqual(expect.arrayContaining(['ContainerUpdated', 'ContainerPaused']));
});

test('a pause for a commit that was not answered is made, and ends with the commit', async () => {
  await given({}, ...started);
  world.store.fates.set('PauseRequested', ['unheard']);
  // A slow one: the commit is over before.
  world.answers.set('freeze-task', () => vi.waitFor(async () => expect(await world.history()).toContain('ContainerCommitted')));
  await world.commits.commit({ container: 'c1', reference: '', author: '', comment: '', changes: [], config: {}, pause: true } as unknown as Parameters<typeof world.commits.commit>[0], asked);
  await expect.poll(() => world.history()).toEqual(expect.arrayContaining(['ContainerCommitted', 'ContainerPaused', 'ContainerUnpaused']));
  expect([world.status, world.count('thaw-task')]).toEqual(['running', 1]);
});

test.each<Fate>(['full', 'lost', 'unheard', 'late'])('a restart whose start the log does not take (%s) comes when it does, once', async (fate) => {
  await given(always, ...started);
  world.store.fates.set('StartRequested', [fate, fate]);
  await world.exited(1);
  // Due after 100 ms; tried again 50 ms later.
  await expect.poll(() => world.store.fates.get('StartRequested')?.length).toBeLessThan(2);
  await world.store.land();
  await expect.poll(() => world.status).toBe('running');
  expect(world.count('launch-task')).toBe(1);
  expect((await world.history()).filter((type) => type === 'StartRequested')).toHaveLength(2);
});

test('a restart waits for that of the container whose network it shares', async () => {
  const policy = (NetworkMode: string): HostConfig => ({ NetworkMode, RestartPolicy: { Name: 'always' } });
  await given(policy('container:c2'), ...started);
  const exitedFive: ContainerEvent = { ...exited, container: 'c2', start: 5 };
  await world.beside('c2', policy('none'), { type: 'StartRequested', container: 'c2', start: 5, reason: 'api', at }, { type: 'ContainerStarted', container: 'c2', start: 5, pid: 8, at }, exitedFive, { type: 'RestartScheduled', container: 'c2', start: 5, delayMs: 600, at });
  // Due after 100 ms.
  await world.exited(1);
  await expect.poll(() => world.status, { timeout: 5_000 }).toBe('running');
  expect(world.asked).toEqual([{ what: 'launch-task', start: 6 }, { what: 'launch-task', start: 2, lender: 'c2' }]);
});

test.each([
  ['stop', () => world.lifecycle.stops.stop('c1', {}, asked)],
  ['kill', () => world.lifecycle.kills.kill('c1', undefined, asked)],
])('a %s that failed, which whoever asked was told, is not carried out when the engine starts again', async (_, ask) => {
  await given({}, ...started);
  world.answers.set('signal-task', () => Promise.reject(unavailable('no answer')));
  await expect(ask()).rejects.toMatchObject({ kind: 'unavailable' });
  expect((await world.history()).at(-1)).toBe('StopFailed');
  const before = world.asked.length;
  await world.resume();
  await new Promise(setImmediate);
  expect([world.status, world.asked.slice(before).filter(({ what }) => what !== 'list')]).toEqual(['running', []]);
});

test('a stop whose engine died over it is carried out by the next one', async () => {
  await given({}, ...started, { type: 'StopRequested', container: 'c1', signal: 15, timeoutSeconds: 10, at });
  world.answers.set('signal-task', () => world.exited(1));
  await world.resume();
  await expect.poll(() => world.status).toBe('exited');
});

const stoppedByHand: readonly ContainerEvent[] = [...started, { type: 'StopRequested', container: 'c1', signal: 15, timeoutSeconds: 10, at }, exited];
const later = '2026-01-01T00:00:01.000000000Z';

test.each<[NonNullable<HostConfig['RestartPolicy']>, readonly ContainerEvent[], 'running' | 'exited' | 'created']>([
  [{ Name: 'always' }, stoppedByHand, 'running'],
  [{ Name: 'on-failure', MaximumRetryCount: 1 }, stoppedByHand, 'running'],
  [{ Name: 'on-failure' }, [...started, { ...exited, exitCode: 0 }], 'exited'],
  [{ Name: 'unless-stopped' }, stoppedByHand, 'exited'],
  [{ Name: 'unless-stopped' }, [...started, exited], 'running'],
  [{ Name: 'no' }, [...started, exited], 'exited'],
  [{ Name: 'always' }, [], 'created'],
])('with the policy %j, what had ended before the engine began is started with it, or not', async (RestartPolicy, history, becomes) => {
  world = await LifecycleWorld.startedAt(later, { RestartPolicy }, ...history);
  await world.resume();
  await expect.poll(() => world.status).toBe(becomes);
  expect(world.count('launch-task')).toBe(becomes === 'running' ? 1 : 0);
});

test('what was stopped since the engine began stays so when one of its processes begins again', async () => {
  world = await LifecycleWorld.startedAt(at, always, ...stoppedByHand);
  await world.resume();
  expect([world.status, world.count('launch-task')]).toEqual(['exited', 0]);
});

test.each<[string, HostConfig, readonly ContainerEvent[], 'absent' | 'created']>([
  [later, { AutoRemove: true }, [], 'absent'],
  [later, {}, [], 'created'],
  [later, { AutoRemove: true }, [{ type: 'ContainerProtected', container: 'c1', at }], 'created'],
  [at, { AutoRemove: true }, [], 'created'],
])('in an engine that began at %s, what was made with %j and never started (%j) is %s', async (engineStartedAt, hostConfig, history, becomes) => {
  world = await LifecycleWorld.startedAt(engineStartedAt, hostConfig, ...history);
  await world.resume();
  await expect.poll(() => world.status).toBe(becomes);
});

test('what is started with the engine comes after the container whose network it shares, and once, though it fails', async () => {
  world = await LifecycleWorld.startedAt(later, { ...always, NetworkMode: 'container:c2' }, ...stoppedByHand);
  await world.beside('c2', { ...always, NetworkMode: 'none' }, ...stoppedByHand.map((event) => ({ ...event, container: 'c2' }) as ContainerEvent));
  world.answers.set('launch-task', () => (world.count('launch-task') === 1 ? { position: 0, pid: 7, startedAt: at } : Promise.reject(internal('no shim'))));
  await world.resume();
  await expect.poll(() => world.history()).toEqual(expect.arrayContaining(['StartFailed']));
  expect(world.containers.get('c2').state.status).toBe('running');
  expect([world.status, world.count('launch-task')]).toEqual(['exited', 2]);
});

test('what is unhealthy is stopped in the end, though its signal could not be given at first', async () => {
  await given({}, ...started);
  world.answers.set('signal-task', () => (world.count('signal-task') === 1 ? Promise.reject(unavailable('no answer')) : world.exited(1)));
  await world.happen({ type: 'UnhealthyRestartRequested', container: 'c1', start: 1, signal: 15, timeoutSeconds: 10, at });
  await expect.poll(() => world.count('launch-task'), { timeout: 5_000 }).toBe(1);
  expect([world.count('signal-task'), await world.history()]).toEqual([2, expect.not.arrayContaining(['StopFailed'])]);
});

test('a stop ends the attempts to start it again', async () => {
  await given(always, ...started);
  world.store.fates.set('StartRequested', Array.from({ length: 3 }, () => 'full'));
  await world.exited(1);
  await expect.poll(() => world.store.fates.get('StartRequested')).toHaveLength(2);
  await world.lifecycle.stops.stop('c1', {}, asked);
  const left = world.store.fates.get('StartRequested')?.length;
  // The pause after which it would be tried again, and more.
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(world.store.fates.get('StartRequested')).toHaveLength(left ?? 0);
  expect(world.status).toBe('exited');
});

test('who waits for the end of what waits for its restart hears of its next, or that it is stopped or killed', async () => {
  await given(always, ...started, exited, { type: 'RestartScheduled', container: 'c1', start: 1, delayMs: 100, at });
  const waits = (): Promise<unknown>[] => (['not-running', 'next-exit'] as const).map((condition) => world.waits.wait('c1', condition, 5_000));
  const first = waits();
  await world.lifecycle.starts.start('c1', 'restart-policy', asked);
  await world.exited(2, 3);
  expect(await Promise.all(first)).toMatchObject([{ exitCode: 3, startNumber: 2 }, { exitCode: 3, startNumber: 2 }]);
  expect(world.status).toBe('restarting');
  const second = waits();
  await world.lifecycle.kills.kill('c1', undefined, asked);
  expect(await Promise.all(second)).toMatchObject([{ exitCode: 3, startNumber: 2 }, { exitCode: 3, startNumber: 2 }]);
  expect([world.status, world.count('signal-task')]).toEqual(['exited', 0]);
});

test('who waits for the removal of what ended before this engine began hears how', async () => {
  await given({}, ...started, { ...exited, exitCode: 7 });
  const removed = world.waits.wait('c1', 'removed', 5_000);
  await world.lifecycle.removals.remove('c1', { force: false, volumes: false }, asked);
  expect(await removed).toMatchObject({ exitCode: 7 });
});

test.each<Fate>(['full', 'unheard', 'late'])('a start that failed, and whose end the log does not take (%s), is over when it does', async (fate) => {
  await given({});
  world.answers.set('launch-task', () => Promise.reject(internal('no shim')));
  world.store.fates.set('StartFailed', [fate]);
  await expect(world.lifecycle.starts.start('c1', 'api', asked)).rejects.toMatchObject({ message: 'no shim' });
  await world.store.land();
  await expect.poll(() => world.status).toBe('created');
  expect((await world.history()).filter((type) => type === 'StartFailed')).toHaveLength(1);
});

test('a pause that the log does not take is on it when it does', async () => {
  await given({}, ...started);
  world.store.fates.set('ContainerPaused', ['full']);
  await expect(world.pauses.pause('c1', asked)).rejects.toMatchObject({ kind: 'unavailable' });
  await expect.poll(() => world.status).toBe('paused');
});

test.each<Fate>(['full', 'unheard', 'late'])('what is to go with its run goes when the log takes it (%s)', async (fate) => {
  await given({ AutoRemove: true }, ...started);
  world.store.fates.set('RemoveRequested', [fate]);
  await world.exited(1);
  await world.store.land();
  await expect.poll(() => world.status).toBe('absent');
});

test('what is to go with its run stays when that ends for a restart, which goes on though nobody here asked for it', async () => {
  await given({ AutoRemove: true }, ...started, { type: 'StopRequested', container: 'c1', signal: 15, timeoutSeconds: 10, restarts: true, at });
  await world.exited(1);
  await expect.poll(() => world.status).toBe('running');
  expect(world.asked).toEqual([{ what: 'launch-task', start: 2 }]);
});

test('what is to go with its run goes when its start has failed, and that was told later', async () => {
  await given({ AutoRemove: true });
  world.answers.set('launch-task', () => Promise.reject(internal('no shim')));
  world.store.fates.set('StartFailed', ['full']);
  await expect(world.lifecycle.starts.start('c1', 'api', asked)).rejects.toMatchObject({ message: 'no shim' });
  await expect.poll(() => world.status).toBe('absent');
});

const waiting: readonly ContainerEvent[] = [
  ...started,
  { type: 'UnhealthyRestartRequested', container: 'c1', start: 1, signal: 15, timeoutSeconds: 10, at },
  { ...exited, reason: 'unhealthy' } as ContainerEvent,
  { type: 'RestartScheduled', container: 'c1', start: 1, delayMs: 60_000, at },
];

test.each(['stop', 'kill'] as const)('what is to go with its run goes where a %s ends its waiting for a restart', async (how) => {
  await given({ AutoRemove: true }, ...waiting);
  const removed = world.waits.wait('c1', 'removed', 5_000);
  if (how === 'stop') await world.lifecycle.stops.stop('c1', {}, asked);
  else await world.lifecycle.kills.kill('c1', undefined, asked);
  expect(await removed).toMatchObject({ done: true });
  expect(world.status).toBe('absent');
});

test.each<readonly [string, Fate]>([['StartRequested', 'lost'], ['StartRequested', 'full'], ['StopRequested', 'late'], ['StopRequested', 'unheard']])('a restart of what waits for its own goes on where the log stalls (%s is %s)', async (type, fate) => {
  await given(always, ...waiting);
  world.store.fates.set(type, [fate]);
  await expect(world.lifecycle.restarts.restart('c1', {}, asked)).rejects.toMatchObject({ kind: 'unavailable' });
  await world.store.land();
  await expect.poll(() => world.status).toBe('running');
  expect(world.asked).toEqual([{ what: 'launch-task', start: 2 }]);
});
