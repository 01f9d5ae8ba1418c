import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HealthCheckEnd } from '#contracts/executor/tasks.js';
import { conflict, invalid } from '#libs/errors/errors.js';
import { StreamServer } from '#libs/messaging/stream-server.js';
import type { PresentContainer } from '../../domain/container/container-state.js';
import { asked } from '../testing/lifecycle-world.js';
import type { CheckExecs } from './check-execs.js';
import { HealthProbes } from './health-probes.js';

const MILLISECOND = 1_000_000;
const container = { spec: { id: 'c', config: { Healthcheck: { Test: ['CMD', 'well'], Timeout: 20 * MILLISECOND } } }, run: { start: 1 } } as unknown as PresentContainer;
const startedAt = '2026-01-01T00:00:00.000000001Z';
/** The end of a check that ran so long. */
const after = (ms: number, exitCode: number): HealthCheckEnd => ({ startedAt, endedAt: new Date(Date.parse(startedAt) + ms).toISOString(), exitCode });

let directory: string;
let streams: StreamServer;
/** What was done with the exec, in order. */
let done: string[];
/** How it ends: asked for once it runs. */
let end: () => Promise<HealthCheckEnd>;
let refusal: Error | undefined;
let probes: HealthProbes;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-probes-'));
  streams = new StreamServer(join(directory, 'streams.sock'));
  await streams.listen();
  done = [];
  refusal = undefined;
  const output = Buffer.from([1, 0, 0, 0, 0, 0, 0, 5, ...Buffer.from('fine\n')]);
  probes = new HealthProbes({
    newId: () => 'e1',
    begin: async (exec: string) => {
      if (refusal) throw refusal;
      return { exec, container: 'c', start: 1, output: streams.offer((socket) => void socket.end(output)) };
    },
    end: () => end(),
    kill: async () => void done.push('kill'),
    over: () => void done.push('over'),
  } as unknown as CheckExecs);
});
afterEach(async () => {
  await streams.close();
  await rm(directory, { recursive: true });
});

const told = (ms: number, exitCode: number) => ({ id: 'e1', args: ['well'], startedAt, end: { exitCode, at: after(ms, 0).endedAt } });

test('a check that ends in time has its exit code, its output, and how it ran', async () => {
  end = async () => after(5, 3);
  expect(await probes.run(container, asked)).toMatchObject({ probe: { exitCode: 3, output: 'fine\n' }, exec: told(5, 3) });
  expect(done).toEqual(['over']);
});

test.each([
  ['takes too long is killed, and says so', after(25, 137), { exitCode: -1, output: 'Health check exceeded timeout (20ms): fine\n' }],
  ['had ended in time, and is told of late, counts as what it was', after(19, 0), { exitCode: 0, output: 'fine\n' }],
])('a check that %s', async (_, ended, probe) => {
  const killed = Promise.withResolvers<HealthCheckEnd>();
  end = () => killed.promise;
  const running = probes.run(container, asked);
  await expect.poll(() => done).toEqual(['kill']);
  killed.resolve(ended);
  expect(await running).toMatchObject({ probe, exec: { end: { exitCode: ended.exitCode } } });
});

test('a check that could not be executed failed, and has no start; of one that nobody could be asked for nothing is said', async () => {
  refusal = invalid('no such file');
  end = async () => ({ endedAt: startedAt, exitCode: 127 });
  const failed = await probes.run(container, asked);
  expect(failed).toMatchObject({ probe: { exitCode: -1, output: 'no such file' }, exec: { end: { exitCode: 127, at: startedAt } } });
  expect(failed?.exec).not.toHaveProperty('startedAt');
  refusal = conflict('it does not run');
  expect(await probes.run(container, asked)).toBeUndefined();
  refusal = undefined;
  end = () => Promise.reject(conflict('its container has ended'));
  expect(await probes.run(container, asked)).toBeUndefined();
  expect(done).toEqual(['over', 'over', 'over']);
});
