import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Failpoints } from '../chaos/failpoints.js';
import { startEngine, type TestEngine } from './engine.js';
import { patience } from './patience.js';
import { freePort } from './private-addresses.js';

let failpoints: Failpoints;
let engine: TestEngine;
beforeAll(async () => {
  failpoints = new Failpoints(mkdtempSync(join(tmpdir(), 'berth-ports-')));
  engine = await startEngine({ BERTH_FAILPOINT_ORDERS: failpoints.directory });
  await engine.loadBusybox();
}, patience(120_000));
afterAll(async () => {
  await engine?.stop();
  failpoints.remove();
}, patience(60_000));

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
