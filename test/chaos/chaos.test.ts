import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from './api.js';
import { KillBench } from './enumerated-kills.js';
import { scenarioNamed } from './scenarios.js';
import { differencesAtRest } from './settled.js';

/** A part of `npm run chaos` that fits into every run of the suite: some of the places where a process may die in a start and in a forced removal. More of them: chaos.long.test.ts. */
let bench: KillBench;
beforeAll(async () => {
  bench = await KillBench.start(() => undefined);
});
afterAll(async () => {
  expect(await bench?.close()).toEqual([]);
}, 60_000);

test.each([
  ['start', 'executor', 4],
  ['remove by force', 'engine', 12],
] as const)('%s: it is finished and nothing leaks, wherever the %s dies in it: every %i. place', async (name, killed, every) => {
  const { places, failures } = await bench.enumerate(scenarioNamed(name), killed, every);
  expect(failures).toEqual([]);
  expect(places.length).toBeGreaterThan(1);
}, 90_000);

test('a container that ended and removed itself while the executor was away is not run again, and leaves nothing', async () => {
  // Every ninth place: the tenth is after its shim has told that it runs. The rest in npm run chaos.
  const { places, failures } = await bench.enumerate(scenarioNamed('run --rm'), 'executor', 9);
  expect(failures).toEqual([]);
  expect(places.length).toBeGreaterThan(1);
}, 180_000);

test('of starts that come together the run alone has an address, however late the others are given theirs', async () => {
  const { engine, driver, failpoints } = bench;
  await driver.create('joint', 'true', { PortBindings: { '80/tcp': [{ HostPort: '' }] } });
  // The second wish for an address is on its way until the run, whose first append waits for both to have come, is over.
  await failpoints.order(engine, 'engine', engine.pid('engine') ?? 0, 'append.before@1=delay:300,request.networks.allocate-endpoint.before@2=delay:2000');
  const started = await Promise.all([1, 2].map(() => ask(engine.socket, 'POST', '/containers/joint/start')));
  await failpoints.disarm(engine, 'engine', engine.pid('engine') ?? 0);
  expect(started.map(({ status }) => status).toSorted()).toEqual([204, 304]);
  await driver.is('joint', 'exited', 0);
  expect(await differencesAtRest(engine.settings)).toEqual([]);
  await driver.remove('joint');
}, 60_000);

test('a start that is asked for again before the log knows of it is not done twice', async () => {
  const { engine, driver, failpoints } = bench;
  await driver.create('once', 'echo run; while :; do sleep 0.1; done');
  const executor = engine.pid('executor') ?? 0;
  // The answer comes later than a second asking, and what it tells comes to the log between the two.
  await failpoints.order(engine, 'executor', executor, 'append.before@2=delay:1500,reply.executor.launch-task@1=delay:2500');
  expect((await ask(engine.socket, 'POST', '/containers/once/start')).status).toBe(204);
  await failpoints.disarm(engine, 'executor', executor);
  await driver.is('once', 'running');
  expect(await driver.logs('once')).toBe('run\n');
  expect(await differencesAtRest(engine.settings)).toEqual([]);
  await driver.remove('once');
}, 60_000);
