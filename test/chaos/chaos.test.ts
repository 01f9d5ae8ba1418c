import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from './api.js';
import { KillBench } from './enumerated-kills.js';
import { scenarios } from './scenarios.js';
import { differencesAtRest } from './settled.js';

/** A part of `npm run chaos` that fits into every run of the suite: the start and the forced removal of a container, at every failpoint of the executor. */
let bench: KillBench;
beforeAll(async () => {
  bench = await KillBench.start(() => undefined);
});
afterAll(async () => {
  expect(await bench?.close()).toEqual([]);
}, 60_000);

const scenario = (name: string) => {
  const found = scenarios.find((one) => one.name === name);
  if (!found) throw new Error(`there is no scenario ${name}`);
  return found;
};

test('a start is finished and nothing leaks, wherever the executor dies in it', async () => {
  const { places, failures } = await bench.enumerate(scenario('start'), 'executor');
  expect(failures).toEqual([]);
  expect(places).toEqual(expect.arrayContaining(['append.before', 'append.after', 'task.prepared', 'task.spawned', 'task.reported', 'reply.executor.launch-task']));
}, 180_000);

test('a removal by force is finished and nothing leaks, wherever the engine dies in it: every third place, the rest in npm run chaos', async () => {
  const { places, failures } = await bench.enumerate(scenario('remove by force'), 'engine', 3);
  expect(failures).toEqual([]);
  expect(places.length).toBeGreaterThan(2);
}, 180_000);

test('a container that ended and removed itself while the executor was away is not run again, and leaves nothing', async () => {
  // Every ninth place: the tenth is after its shim has told that it runs. The rest in npm run chaos.
  const { places, failures } = await bench.enumerate(scenario('run --rm'), 'executor', 9);
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
