import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Failpoints } from '../chaos/failpoints.js';
import type { TestEngine } from '../engine/engine.js';
import { type FailingEngine, startFailingEngine } from '../engine/failing-engine.js';
import { patience } from '../engine/patience.js';
import { freePort } from '../engine/private-addresses.js';

let failing: FailingEngine;
let engine: TestEngine;
let failpoints: Failpoints;
beforeAll(async () => {
  failing = await startFailingEngine();
  ({ engine, failpoints } = failing);
}, patience(120_000));
afterAll(() => failing?.stop(), patience(60_000));

const docker = (...args: string[]) => engine.docker(args);
const fetched = (port: number): Promise<string | undefined> => fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } }).then((answer) => answer.text(), () => undefined);

test('a container that is started again has its port, though its executor is late to hear that the end before is on the log', async () => {
  const port = await freePort();
  expect(await docker('run', '-d', '--name', 'web', '-p', `${port}:80`, 'busybox', 'sh', '-c', 'echo harbour > /tmp/index.html; exec httpd -f -p 80 -h /tmp')).toMatchObject({ code: 0, stderr: '' });
  await expect.poll(() => fetched(port), { timeout: patience(5_000) }).toBe('harbour\n');
  const pid = Number((await docker('inspect', '--format', '{{.State.Pid}}', 'web')).stdout);
  await failpoints.order(engine, 'executor', engine.pid('executor')!, 'append.after@1=delay:1500');
  process.kill(pid, 'SIGKILL');
  expect(await docker('wait', 'web')).toMatchObject({ stdout: '137\n' });
  expect(await docker('start', 'web')).toMatchObject({ code: 0 });
  await expect.poll(() => readdirSync(`${engine.settings.runRoot}/tasks`), { timeout: patience(10_000) }).toEqual([expect.stringMatching(/-2$/)]);
  await expect.poll(() => fetched(port), { timeout: patience(5_000) }).toBe('harbour\n');
  await docker('rm', '-f', 'web');
}, patience(60_000));
