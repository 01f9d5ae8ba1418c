import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FailingEngine, startFailingEngine } from '../engine/failing-engine.js';
import type { TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

let failing: FailingEngine;
let engine: TestEngine;
beforeAll(async () => {
  failing = await startFailingEngine();
  ({ engine } = failing);
}, patience(120_000));
afterAll(() => failing?.stop(), patience(60_000)); // rejects where a shim is left

/** A launch is asked for again after half a second: where that is soon, whoever is asked may be in the middle of anything, or done. */
const order = (failpoints: string): Promise<void> => failing.failpoints.order(engine, 'executor', engine.pid('executor') ?? 0, failpoints);

const shimsOf = (): number =>
  readdirSync('/proc').filter((name) => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'latin1').startsWith(`berth-shim\0${engine.settings.runRoot}/tasks/`);
    } catch {
      return false; // no process, or one that has ended
    }
  }).length;

test('a start that is asked for again before it is on record is the same start', async () => {
  // The executor's second commit is the start. The first answer is late.
  await order('append.before@2=delay:3000,reply.executor.launch-task@1=delay:3000');
  expect(await engine.docker(['run', '-d', '--name', 'once', '--network', 'none', 'busybox', 'sh', '-c', 'echo begun; exec sleep 1000'])).toMatchObject({ code: 0, stderr: '' });
  expect((await engine.docker(['exec', 'once', 'echo', 'inside'])).stdout).toBe('inside\n');
  expect((await engine.docker(['logs', 'once'])).stdout).toBe('begun\n');
  expect(shimsOf()).toBe(1);
  await engine.docker(['rm', '-f', 'once']);
}, patience(60_000));

test('a start that is asked for again while it is undone has failed once', async () => {
  await order('task.undone@1=delay:3000');
  expect(await engine.docker(['run', '--name', 'nothing', 'busybox', '/no/such/file'])).toMatchObject({ code: 127 });
  expect(shimsOf()).toBe(0);
  expect((await engine.docker(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'nothing'])).stdout).toBe('created 127\n');
}, patience(60_000));

test('an exec that is asked for again when it has ended has run once', async () => {
  await order('reply.executor.launch-exec@1=delay:3000');
  await engine.docker(['run', '-d', '--name', 'counted', '--network', 'none', 'busybox', 'sleep', '1000']);
  // Detached: nothing of it waits for a reader.
  expect(await engine.docker(['exec', '-d', 'counted', 'sh', '-c', 'echo once >> /tmp/runs'])).toMatchObject({ code: 0 });
  expect((await engine.docker(['exec', 'counted', 'cat', '/tmp/runs'])).stdout).toBe('once\n');
}, patience(60_000));
