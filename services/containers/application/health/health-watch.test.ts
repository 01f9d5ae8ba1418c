import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ContainerEvent } from '#contracts/containers/events.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { noHead } from '#libs/event-store/event.js';
import { type Fate, StallingEventStore } from '#libs/event-store/testing/stalling-event-store.js';
import { containerDecider } from '../../domain/container/container-decider.js';
import { isPresent } from '../../domain/container/container-state.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';
import { asked, at } from '../testing/lifecycle-world.js';
import type { HealthProbes, Probed } from './health-probes.js';
import { HealthWatch } from './health-watch.js';

const MILLISECOND = 1_000_000;
const history: readonly [ContainerEvent, ...ContainerEvent[]] = [
  { type: 'ContainerCreated', container: 'c', name: 'web', config: { Healthcheck: { Test: ['CMD', 'true'], Interval: MILLISECOND } }, hostConfig: {}, imageId: '', imageRef: '', layers: [], path: 'sh', args: [], mounts: [], at },
  { type: 'StartRequested', container: 'c', start: 1, reason: 'api', at },
  { type: 'ContainerStarted', container: 'c', start: 1, pid: 7, at },
];
/** How the nth check went. */
const probed = (nth: number): Probed => ({
  probe: { startedAt: `2026-01-01T00:00:0${nth}.000Z`, endedAt: `2026-01-01T00:00:0${nth}.500Z`, exitCode: 0, output: '' },
  exec: { id: `e${nth}`, args: ['true'], startedAt: at, end: { exitCode: 0, at } },
});

let store: StallingEventStore;
let containers: Containers;
let watch: HealthWatch;
let checks: number;
const told: string[] = [];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  store = new StallingEventStore();
  containers = new Aggregates(store, 'container', containerDecider, { source: 'containers' });
  await store.append('berth.event.container.c', noHead, history, asked);
  await containers.start();
  const get = () => [containers.get('c').state].filter(isPresent)[0];
  const directory = { all: () => [get()], get } as unknown as ContainerDirectory;
  checks = 0;
  // The second never ends.
  const probes = { endForgotten: () => Promise.resolve(), run: () => (++checks === 1 ? Promise.resolve(probed(1)) : new Promise(() => undefined)) } as unknown as HealthProbes;
  watch = new HealthWatch(containers, directory, probes, (error) => void told.push(String(error)));
});
afterEach(async () => {
  watch.stop();
  await containers.stop();
  vi.useRealTimers();
});

test.each<[string, Fate[]]>([['takes it not', ['lost', 'lost']], ['takes it and does not say so', ['unheard']]])('what a check came to is told once, and the command not run again meanwhile, where the log %s', async (_, fates) => {
  store.fates.set('HealthProbed', [...fates]);
  watch.start();
  for (let times = 0; times < fates.length; times++) {
    await vi.waitFor(() => expect(told).toHaveLength(times + 1), { interval: 1 });
    expect(checks).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
  }
  await vi.waitFor(() => expect(checks).toBe(2), { interval: 1 });
  const events = await containers.history('c');
  expect(events.slice(history.length)).toEqual([{ type: 'HealthProbed', container: 'c', start: 1, ...probed(1), was: 'starting', status: 'healthy', failingStreak: 0, at: expect.any(String) as string }]);
  told.length = 0;
});

test.each([['forward', 3_600_000], ['back', -3_600_000]])('a start period is as long as it should be while the clock is set %s by an hour', async (_way, step) => {
  const day = Date.now();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: day });
  const at = new Date(day).toISOString();
  const { position } = await store.append('berth.event.container.d', noHead, [
    { ...history[0], container: 'd', at, config: { Healthcheck: { Test: ['CMD', 'false'], Interval: 1000 * MILLISECOND, StartInterval: 1000 * MILLISECOND, StartPeriod: 3500 * MILLISECOND, Retries: 1 } } } as ContainerEvent,
    { type: 'StartRequested', container: 'd', start: 1, reason: 'api', at },
    { type: 'ContainerStarted', container: 'd', start: 1, pid: 7, at },
  ], asked);
  await containers.waitFor(position);
  const get = () => [containers.get('d').state].filter(isPresent)[0];
  const failing = { endForgotten: () => Promise.resolve(), run: async () => ({ probe: { startedAt: new Date().toISOString(), endedAt: new Date().toISOString(), exitCode: 1, output: '' } }) } as unknown as HealthProbes;
  const other = new HealthWatch(containers, { all: () => [get()], get } as unknown as ContainerDirectory, failing, (error) => void told.push(String(error)));
  other.start();
  const health = async (): Promise<string | undefined> => (await vi.advanceTimersByTimeAsync(1_000), get()?.health?.status);
  expect(await health()).toBe('starting');
  vi.setSystemTime(Date.now() + step);
  expect([await health(), await health()]).toEqual(['starting', 'starting']);
  expect(await health()).toBe('unhealthy');
  other.stop();
});
