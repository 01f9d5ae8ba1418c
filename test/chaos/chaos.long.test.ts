import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patience } from '../engine/patience.js';
import { KillBench } from './enumerated-kills.js';
import { randomKills } from './random-kills.js';
import { scenarioNamed } from './scenarios.js';

describe('at every failpoint', () => {
  let bench: KillBench;
  beforeAll(async () => {
    bench = await KillBench.start(() => undefined);
  });
  afterAll(async () => {
    expect(await bench?.close()).toEqual([]);
  }, patience(180_000));

  test('a start is finished and nothing leaks, wherever the executor dies in it', async () => {
    const { places, failures } = await bench.enumerate(scenarioNamed('start'), 'executor');
    expect(failures).toEqual([]);
    expect(places).toEqual(expect.arrayContaining(['append.before', 'append.after', 'task.prepared', 'task.spawned', 'task.reported', 'reply.executor.launch-task']));
  }, patience(300_000));

  test('a removal by force is finished and nothing leaks, wherever the engine dies in it: every third place, the rest in npm run chaos', async () => {
    const { places, failures } = await bench.enumerate(scenarioNamed('remove by force'), 'engine', 3);
    expect(failures).toEqual([]);
    expect(places.length).toBeGreaterThan(2);
  }, patience(300_000));
});

/** The same each time, as far as the machine's own timing lets it. */
const SEED = 7;

test('of kills at any moment, under load, nothing leaks and nothing is lost', async () => {
  const told: string[] = [];
  const failures = await randomKills(SEED, 0.75, (line) => told.push(line), new AbortController().signal);
  expect(failures, told.join('\n')).toEqual([]);
  expect(told.length).toBeGreaterThan(5);
}, patience(300_000));
