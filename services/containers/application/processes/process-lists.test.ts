import { afterEach, expect, test, vi } from 'vitest';
import type { ContainerEvent } from '#contracts/containers/events.js';
import type { WouldAppend } from '#contracts/request.js';
import { asked, at, LifecycleWorld } from '../testing/lifecycle-world.js';

let world: LifecycleWorld;
afterEach(() => {
  vi.useRealTimers();
  return world.close();
});

const running: readonly ContainerEvent[] = [{ type: 'StartRequested', container: 'c1', start: 1, reason: 'api', at }, { type: 'ContainerStarted', container: 'c1', start: 1, pid: 7, at }];
const table = { titles: ['PID'], processes: [['7']] };
const lists = async (): Promise<number> => (await world.history()).filter((type) => type === 'ProcessesListed').length;

async function ofOneThatRuns(): Promise<() => Promise<unknown>> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-01T10:00:05Z') });
  world = await LifecycleWorld.with({}, ...running);
  world.answers.set('task-processes', () => table);
  return () => world.processes.list({ container: 'c1' }, asked);
}

test('however often processes are listed, it is on the log once a minute, and each gets its answer', async () => {
  const list = await ofOneThatRuns();
  expect(await Promise.all([list(), list(), list()])).toEqual([table, table, table]);
  expect(await lists()).toBe(1);
  vi.setSystemTime(Date.parse('2026-01-01T10:01:05Z'));
  expect([await list(), await list(), await lists()]).toEqual([table, table, 2]);
});

test('of what has exited meanwhile none are listed; one that the log did not take is tried again', async () => {
  const list = await ofOneThatRuns();
  world.store.fates.set('ProcessesListed', ['full']);
  await expect(list()).rejects.toMatchObject({ kind: 'unavailable' });
  await list();
  expect(await lists()).toBe(1);
  await world.exited(1);
  await expect(list()).rejects.toMatchObject({ kind: 'conflict' });
});

test('a dry run tells of the list, and takes nothing from the next that is real', async () => {
  const list = await ofOneThatRuns();
  const planned: WouldAppend[] = [];
  await world.processes.list({ container: 'c1' }, { ...asked, dryRun: true, planned });
  expect(planned.map(({ type }) => type)).toEqual(['ProcessesListed']);
  expect([await lists(), world.count('task-processes')]).toEqual([0, 0]);
  await list();
  expect(await lists()).toBe(1);
});
