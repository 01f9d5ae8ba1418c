import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLog } from '../engine/operator-log.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http, type HttpAnswer } from '../engine/http.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
});
afterAll(() => engine?.stop());

const keyed = (key: string, method: string, path: string, body?: unknown): Promise<HttpAnswer> => http(engine.socket, method, path, body, { 'Idempotency-Key': key });
const sleeper = { Image: 'busybox', Cmd: ['sleep', '1000'], Volumes: { '/one': {}, '/two': {} } };

async function count(type: string): Promise<number> {
  const store = await openLog(engine.settings);
  let found = 0;
  await store.replay(['berth.event.>'], 0, (commit) => void (found += commit.events.filter((event) => event.type === type).length));
  await store.close();
  return found;
}

test('a request that comes again with its key is answered as the first time and done once, from its creation to after its removal', async () => {
  const created = await Promise.all([keyed('k1', 'POST', '/containers/create', sleeper), keyed('k1', 'POST', '/containers/create', sleeper)]);
  const { Id: id } = JSON.parse(created[0].text) as { readonly Id: string };
  expect(created.map(({ status, text }) => [status, JSON.parse(text)])).toEqual(created.map(() => [201, { Id: id, Warnings: [] }]));

  expect((await Promise.all([keyed('k2', 'POST', `/containers/${id}/start`), keyed('k2', 'POST', `/containers/${id}/start`)])).map(({ status }) => status)).toEqual([204, 204]);
  const execs = [await keyed('k3', 'POST', `/containers/${id}/exec`, { Cmd: ['true'] }), await keyed('k3', 'POST', `/containers/${id}/exec`, { Cmd: ['true'] })];
  expect(execs[0]).toEqual(execs[1]);

  const pid = engine.pid('engine') ?? 0;
  process.kill(pid, 'SIGKILL');
  await expect.poll(async () => engine.pid('engine') !== pid && (await engine.docker(['ps', '-q'])).code, { timeout: 30_000 }).toBe(0);
  expect(JSON.parse((await keyed('k1', 'POST', '/containers/create', sleeper)).text)).toMatchObject({ Id: id });
  expect((await keyed('k2', 'POST', `/containers/${id}/start`)).status).toBe(204);

  for (let time = 0; time < 2; time++) expect((await keyed('k4', 'POST', `/containers/${id}/rename?name=mine`)).status).toBe(204);
  for (let time = 0; time < 2; time++) expect((await keyed('k5', 'POST', `/containers/${id}/restart?t=0`)).status).toBe(204);
  for (let time = 0; time < 2; time++) expect((await keyed('k6', 'POST', `/containers/${id}/kill`)).status).toBe(204);
  expect((await keyed('k7', 'POST', `/containers/${id}/stop`)).status).toBe(304);
  for (let time = 0; time < 2; time++) expect((await keyed('k8', 'DELETE', '/containers/mine?v=1')).status).toBe(204);
  expect((await keyed('k9', 'DELETE', '/containers/mine')).status).toBe(404);
  expect(JSON.parse((await keyed('k1', 'POST', '/containers/create', sleeper)).text)).toMatchObject({ Id: id });

  const once = await Promise.all(['ContainerCreated', 'ExecCreated', 'ContainerRenamed', 'KillRequested', 'ContainerRemoved'].map(count));
  expect(once).toEqual([1, 1, 1, 1, 1]);
  expect([await count('StartRequested'), await count('VolumeCreated'), await count('VolumeRemoved')]).toEqual([2, 2, 2]);
  expect((await engine.docker(['ps', '-aq'])).stdout).toBe('');
}, 90_000);

test('a request that came to nothing, sent again with its key, is done anew: its name and its volumes are its own then', async () => {
  const source = join(engine.settings.dataRoot, 'comes-later');
  const mount = (more: object) => ({ Image: 'busybox', Cmd: ['true'], HostConfig: { Mounts: [{ Type: 'volume', Source: 'anew', Target: '/a' }, more] } });
  const wanted = mount({ Type: 'bind', Source: source, Target: '/x' });
  for (let time = 0; time < 3; time++) expect((await keyed('n1', 'POST', '/containers/create?name=dup', wanted)).status).toBe(400);
  const other = await keyed('n2', 'POST', '/containers/create?name=dup', { Image: 'busybox' });
  expect(other.status).toBe(201);
  expect((await keyed('n3', 'DELETE', '/containers/dup')).status).toBe(204);
  mkdirSync(source);
  expect((await keyed('n1', 'POST', '/containers/create?name=dup', wanted)).status).toBe(201);
  expect((await keyed('n4', 'POST', '/containers/create?name=dup', { Image: 'busybox' })).status).toBe(409);
  // A driver that is not there fails behind a volume that was made.
  expect((await keyed('n5', 'POST', '/containers/create?name=vol', mount({ Type: 'volume', Source: 'later', Target: '/b', VolumeOptions: { DriverConfig: { Name: 'nosuch' } } }))).status).toBe(404);
  expect((await keyed('n5', 'POST', '/containers/create?name=vol', mount({ Type: 'volume', Source: 'later', Target: '/b' }))).status).toBe(201);
  for (const name of ['dup', 'vol']) expect((await engine.docker(['rm', name])).code).toBe(0);
  expect((await engine.docker(['ps', '-aq'])).stdout).toBe('');
  await engine.docker(['volume', 'prune', '-af']);
});

test('a start that failed is told to have failed, also to who asks again with its key', async () => {
  await engine.docker(['create', '--name', 'bad', 'busybox', '/no/such']);
  const first = await keyed('s1', 'POST', '/containers/bad/start');
  expect(first).toMatchObject({ status: 400, text: expect.stringContaining('no such file or directory') as string });
  expect(await keyed('s1', 'POST', '/containers/bad/start')).toEqual(first);
  await engine.docker(['rm', 'bad']);
});

test('a name that a container had, and gave up, is nobody\'s though its rename comes again', async () => {
  await engine.docker(['create', '--name', 'one', 'busybox']);
  expect((await keyed('r1', 'POST', '/containers/one/rename?name=two')).status).toBe(204);
  expect((await keyed('r2', 'POST', '/containers/two/rename?name=three')).status).toBe(204);
  expect((await keyed('r1', 'POST', '/containers/three/rename?name=two')).status).toBe(204);
  expect((await engine.docker(['create', '--name', 'two', 'busybox'])).code).toBe(0);
  await engine.docker(['rm', 'two', 'three']);
});

test('a volume without a name is one volume for one key', async () => {
  const first = await keyed('v1', 'POST', '/volumes/create', {});
  expect((await keyed('v1', 'POST', '/volumes/create', {})).text).toBe(first.text);
  const { Name: name } = JSON.parse(first.text) as { readonly Name: string };
  for (let time = 0; time < 2; time++) expect((await keyed('v2', 'DELETE', `/volumes/${name}`)).status).toBe(204);
  expect((await keyed('v1', 'POST', '/volumes/create', {})).status).toBe(201);
  expect((await engine.docker(['volume', 'ls', '-q'])).stdout).toBe('');
});
