import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLog } from '../engine/operator-log.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { imageArchive, shellTree, tarOf } from '../fixtures/image-archive.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
  await engine.docker(['create', '--name', 'created', 'busybox', 'true']);
  await engine.docker(['run', '-d', '--name', 'linked', 'busybox', 'sleep', '1000']);
  await engine.docker(['run', '-d', '--name', 'running', '-v', '/data', '--link', 'linked:made', 'busybox', 'sleep', '1000']);
  await engine.docker(['run', '-d', '--name', 'held', 'busybox', 'sleep', '1000']);
  await engine.docker(['pause', 'held']);
  await engine.docker(['volume', 'create', 'store']);
});
afterAll(() => engine?.stop());

interface Planned {
  readonly subject: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

async function position(): Promise<number> {
  const store = await openLog(engine.settings);
  try {
    return await store.lastPosition();
  } finally {
    await store.close();
  }
}

/** The events of the answer, after seeing that nothing came of it. */
async function tried(method: string, path: string, body?: unknown): Promise<readonly Planned[]> {
  const before = await position();
  const { status, text } = await http(engine.socket, method, `${path}${path.includes('?') ? '&' : '?'}dryRun=1`, body);
  expect({ status, text }).toMatchObject({ status: 200 });
  expect(await position()).toBe(before);
  return (JSON.parse(text) as { readonly events: readonly Planned[] }).events;
}

function send(path: string, body: Buffer): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: engine.socket, method: 'POST', path, headers: { 'Content-Type': 'application/x-tar' } }, (response) => {
      let text = '';
      response.on('data', (bytes) => (text += String(bytes))).on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    call.on('error', reject).end(body);
  });
}

async function triedWith(path: string, body: Buffer): Promise<readonly Planned[]> {
  const before = await position();
  const { status, text } = await send(`${path}${path.includes('?') ? '&' : '?'}dryRun=1`, body);
  expect({ status, text }).toMatchObject({ status: 200 });
  expect(await position()).toBe(before);
  return (JSON.parse(text) as { readonly events: readonly Planned[] }).events;
}

test('a dry create answers with all events in full, those of a name and a volume too', async () => {
  const volumes = await engine.docker(['volume', 'ls', '-q']);
  const events = await tried('POST', '/containers/create?name=web', { Image: 'busybox', Cmd: ['true'], Volumes: { '/data': {} } });
  expect(events.map(({ type }) => type)).toEqual(['NameClaimed', 'VolumeCreated', 'ContainerCreated']);
  expect(events[0]).toMatchObject({ subject: 'berth.event.name.web', data: { name: 'web' } });
  expect(events[2]).toMatchObject({ data: { name: 'web', path: 'true', imageRef: 'busybox', config: { Image: 'busybox' }, mounts: [{ target: '/data', anonymous: true }] } });
  expect(events[2]?.subject).toBe(`berth.event.container.${String(events[2]?.data['container'])}`);
  expect(await engine.docker(['volume', 'ls', '-q'])).toEqual(volumes);
});

test.each([
  ['POST', '/containers/created/start', ['StartRequested']],
  ['POST', '/containers/running/start', []],
  ['POST', '/containers/running/stop', ['StopRequested']],
  ['POST', '/containers/running/restart', ['StopRequested', 'StartRequested']],
  ['POST', '/containers/created/restart', ['StartRequested']],
  ['POST', '/containers/held/restart', ['StopRequested', 'StartRequested']],
  ['POST', '/containers/running/kill?signal=HUP', ['KillRequested']],
  ['POST', '/containers/running/rename?name=other', ['NameClaimed', 'ContainerRenamed', 'NameReleased']],
  ['DELETE', '/containers/running/made?link=1', ['LinkRemoved']],
  ['POST', '/berth/containers/running/protect', ['ContainerProtected']],
  ['POST', '/berth/containers/running/unprotect', []],
  ['DELETE', '/containers/running?force=1', ['RemoveRequested', 'ContainerRemoved', 'NameReleased']],
  ['DELETE', '/containers/running?force=1&v=1', ['RemoveRequested', 'ContainerRemoved', 'NameReleased', 'VolumeRemoved']],
  ['POST', '/commit?container=running&repo=made', ['CommitRequested']],
  ['POST', '/images/busybox/tag?repo=mine&tag=1', ['ImageTagged']],
  ['DELETE', '/images/hello', ['ImageUntagged', 'ImageRemoved']],
  ['DELETE', '/volumes/store', ['VolumeRemoved']],
  ['POST', '/containers/prune', ['RemoveRequested', 'ContainerRemoved', 'NameReleased', 'Pruned']],
  ['POST', `/images/prune?filters=${encodeURIComponent('{"dangling":["false"]}')}`, ['ImageUntagged', 'ImageRemoved', 'Pruned']],
  ['POST', `/volumes/prune?filters=${encodeURIComponent('{"all":["true"]}')}`, ['VolumeRemoved', 'Pruned']],
  ['POST', '/networks/prune', ['Pruned']],
  ['POST', '/containers/running/resize?h=10&w=20', ['TerminalResized']],
  ['POST', '/containers/running/attach?stream=1&stdout=1', ['ContainerAttached']],
  ['PUT', '/containers/running/archive?path=/tmp', ['ArchiveWritten']],
])('%s %s, tried, does nothing', async (method, path, types) => {
  expect((await tried(method, path)).map(({ type }) => type)).toEqual(types);
});

test.each(['created', 'running'])('a dry removal of what is %s says until when it can come back', async (name) => {
  const events = await tried('DELETE', `/containers/${name}?force=1`);
  expect(events.slice(0, 2)).toMatchObject([{ type: 'RemoveRequested', data: { keepSeconds: 900 } }, { type: 'ContainerRemoved', data: { keptUntil: expect.stringMatching(/^20/) as string } }]);
});

test('a dry exec and a dry volume', async () => {
  expect((await tried('POST', '/containers/running/exec', { Cmd: ['true'] })).map(({ type }) => type)).toEqual(['ExecCreated']);
  expect((await tried('POST', '/volumes/create', { Name: 'other' })).map(({ type }) => type)).toEqual(['VolumeCreated']);
});

test('a dry attach that wants the connection for itself is answered like any other', async () => {
  const { status, text } = await http(engine.socket, 'POST', '/containers/running/attach?stream=1&stdout=1&dryRun=1', undefined, { Connection: 'Upgrade', Upgrade: 'tcp' });
  expect([status, (JSON.parse(text) as { readonly events: readonly Planned[] }).events.map(({ type }) => type)]).toEqual([200, ['ContainerAttached']]);
});

test('the dry start of an exec says whether it can be started, and does not', async () => {
  const exec = async (container: string): Promise<string> => (JSON.parse((await http(engine.socket, 'POST', `/containers/${container}/exec`, { Cmd: ['true'] })).text) as { readonly Id: string }).Id;
  const id = await exec('running');
  expect(await tried('POST', `/exec/${id}/start`, { Detach: false })).toEqual([]);
  expect(await tried('POST', `/exec/${id}/resize?h=1&w=1`)).toEqual([]);
  expect((await http(engine.socket, 'POST', `/exec/${id}/start`, { Detach: true })).status).toBe(200);
  expect((await http(engine.socket, 'POST', `/exec/${id}/start?dryRun=1`, {})).status).toBe(409);
});

test('a dry load and a dry import read what is sent, and keep nothing of it', async () => {
  const content = join(engine.settings.dataRoot, 'content');
  const kept = (): string[] => readdirSync(content, { recursive: true }).map(String).toSorted();
  const archive = await imageArchive({ tag: 'fresh', layers: [await tarOf(shellTree())] });
  const before = kept();
  expect((await triedWith('/images/load', archive)).map(({ type }) => type)).toEqual(['ImageAdded', 'ImageTagged']);
  const [added, tagged] = await triedWith('/images/create?fromSrc=-&repo=tree&tag=1', await tarOf([{ path: 'word', body: Buffer.from('aye\n') }]));
  expect(added).toMatchObject({ type: 'ImageAdded', data: { layers: [{ sizeBytes: expect.any(Number) as number }] } });
  expect(tagged).toMatchObject({ type: 'ImageTagged' });
  expect(kept()).toEqual(before);
  const rubbish = await send('/images/load?dryRun=1', Buffer.from('no archive'));
  expect(rubbish.status).toBeGreaterThanOrEqual(400);
  expect(kept()).toEqual(before);
});

test('what is refused is refused in a dry run too, and its header needs no certain word', async () => {
  const before = await position();
  expect((await http(engine.socket, 'DELETE', '/containers/running?dryRun=1')).status).toBe(409);
  expect((await http(engine.socket, 'POST', '/containers/nobody/start?dryRun=1')).status).toBe(404);
  expect((await http(engine.socket, 'PUT', '/containers/running/archive?path=/bin/busybox&dryRun=1')).status).toBe(400);
  expect((await http(engine.socket, 'POST', '/containers/created/start', undefined, { 'Berth-Dry-Run': 'true' })).status).toBe(200);
  expect(await position()).toBe(before);
  expect((await engine.docker(['inspect', '--format', '{{.State.Status}}', 'running', 'created'])).stdout).toBe('running\ncreated\n');
});
