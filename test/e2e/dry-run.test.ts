import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLog } from '../engine/operator-log.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';

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

test('what is refused is refused in a dry run too, and what cannot be tried says so and is not done', async () => {
  const before = await position();
  expect((await http(engine.socket, 'DELETE', '/containers/running?dryRun=1')).status).toBe(409);
  expect((await http(engine.socket, 'POST', '/containers/nobody/start?dryRun=1')).status).toBe(404);
  const load = await http(engine.socket, 'POST', '/images/load?dryRun=1');
  expect(load).toMatchObject({ status: 501, text: expect.stringContaining('a dry run of images.load is not possible') });
  expect(await position()).toBe(before);
  expect((await engine.docker(['inspect', '--format', '{{.State.Status}}', 'running', 'created'])).stdout).toBe('running\ncreated\n');
});
