import { expect, test } from 'vitest';
import type { ContainerMount } from '#contracts/containers/container-state.js';
import type { ContainerEvent } from '#contracts/containers/events.js';
import { type DockerEvent, eventFits } from './event.js';
import { DockerEvents, type LoggedEvent } from './events.js';

const at = '2026-01-31T10:00:00.000Z';
const later = '2026-01-31T10:00:05.000Z';
const container = 'c1';
const volume: ContainerMount = { type: 'volume', name: 'data', source: '/v', target: '/data', readOnly: true, propagation: '' };
const network: LoggedEvent = {
  type: 'NetworkCreated', id: 'n1', name: 'bridge', driver: 'bridge', subnet: '', gateway: '', bridge: '', mtu: 1500, internal: false, labels: {}, options: {}, at,
};
const created: ContainerEvent = {
  type: 'ContainerCreated', container, name: 'web', config: { Image: 'busybox', Labels: { l: '1' } }, hostConfig: {}, imageId: 'i', imageRef: 'busybox', layers: [], path: 'true', args: [], mounts: [volume], at,
};
const allocated: LoggedEvent = { type: 'EndpointAllocated', endpoint: 'c1-1', container, name: 'web', address: '', mac: '', ports: [], at };
const requested = (reason: 'api' | 'restart' = 'api'): ContainerEvent => ({ type: 'StartRequested', container, start: 1, reason, at });
const started: ContainerEvent = { type: 'ContainerStarted', container, start: 1, pid: 7, at };
const stop: ContainerEvent = { type: 'StopRequested', container, signal: 15, timeoutSeconds: 10, at };
const exited = (reason: 'completed' | 'stop-timeout' = 'completed'): ContainerEvent => ({ type: 'ContainerExited', container, start: 1, exitCode: 3, signal: 0, oomKilled: false, reason, at: later });

/** The actions that come of each event as a commit of its own, after those of `before`. */
function actions(before: readonly LoggedEvent[], ...events: readonly LoggedEvent[]): string[] {
  const translator = new DockerEvents();
  for (const event of before) translator.translate([event]);
  return events.flatMap((event) => translator.translate([event])).map(({ type, action, attributes }) => (type === 'container' ? action : `${type} ${action}`) + (attributes['signal'] ? ` ${attributes['signal']}` : ''));
}

test('a start joins the network and mounts the volumes, an exit leaves them in the same order', () => {
  expect(actions([network], created, requested(), allocated, started, exited())).toEqual([
    'create', 'network connect', 'volume mount', 'start', 'die', 'network disconnect', 'volume unmount',
  ]);
});

test('a stop is told when the container has ended, a kill by its time-out too', () => {
  expect(actions([network, created, started], stop, exited('stop-timeout'))).toEqual(['kill 15', 'kill 9', 'die', 'network disconnect', 'volume unmount', 'stop']);
});

test('a stop of what waits for its restart is told at once, and the next end is none', () => {
  expect(actions([network, created, requested(), started, exited()], stop, requested(), started, exited())).toEqual(['stop', 'network connect', 'volume mount', 'start', 'die', 'network disconnect', 'volume unmount']);
});

test('what the OOM killer takes is told when it does, and not again at the end; of a log before that, at the end', () => {
  const outOfMemory: LoggedEvent = { type: 'TaskOutOfMemory', container, start: 1, kills: 1, at };
  const killed = { ...exited(), oomKilled: true } as ContainerEvent;
  expect(actions([created, started], outOfMemory, outOfMemory, killed)).toEqual(['oom', 'oom', 'die', 'volume unmount']);
  expect(actions([created, started, outOfMemory, killed, started], killed)).toEqual(['oom', 'die', 'volume unmount']);
});

test('who detaches from an exec is told of apart from who detaches from the container', () => {
  const detached = (exec?: string): ContainerEvent => ({ type: 'ContainerDetached', container, ...(exec === undefined ? {} : { exec }), at });
  expect(actions([created, started], detached(), detached('e1'))).toEqual(['detach', 'exec_detach']);
});

test('a health check is told as the exec that it was, when it is over, each with its own time', () => {
  const [begun, over] = ['2026-01-31T10:00:01.000000001Z', '2026-01-31T10:00:02.000000002Z'];
  const probe = { startedAt: at, endedAt: later, exitCode: -1, output: '' };
  const probed = (exec: object, status: 'starting' | 'unhealthy'): LoggedEvent => ({ type: 'HealthProbed', container, start: 1, probe, ...exec, was: 'starting', status, failingStreak: 1, at: later });
  const told = (exec: object, status: 'starting' | 'unhealthy' = 'starting') => {
    const translator = new DockerEvents();
    translator.translate([created]);
    return translator.translate([probed(exec, status)]).map(({ action, attributes: { name, execID, exitCode }, at }) => [action, name, execID, exitCode, at]);
  };
  const [id, args] = ['e1', ['/bin/sh', '-c', 'sleep 9']];
  expect(told({ exec: { id, args, startedAt: begun, end: { exitCode: 137, at: over } } }, 'unhealthy')).toEqual([
    ['exec_create: /bin/sh -c sleep 9', 'web', id, undefined, at],
    ['exec_start: /bin/sh -c sleep 9', 'web', id, undefined, begun],
    ['exec_die', 'web', id, '137', over],
    ['health_status: unhealthy', 'web', undefined, undefined, later],
  ]);
  expect(told({ exec: { id, args, end: { exitCode: 127, at: over } } }).map(([action]) => action)).toEqual(['exec_create: /bin/sh -c sleep 9', 'exec_die']);
  // Of an engine whose checks had events of their own, and of one that could ask nobody.
  expect(told({})).toEqual([]);
});

test('a restart is told after its start', () => {
  expect(actions([network, created], requested('restart'), started).at(-1)).toBe('restart');
  expect(actions([network, created], requested(), started)).not.toContain('restart');
});

test('a start that failed lets go of what it had, and of nothing that it had not', () => {
  const failed: ContainerEvent = { type: 'StartFailed', container, start: 1, error: 'x', exitCode: 127, at };
  expect(actions([network, created, requested(), allocated], failed)).toEqual(['network connect', 'volume mount', 'network disconnect', 'volume unmount']);
  expect(actions([network, created, requested()], failed)).toEqual([]);
});

test('a running container that is removed by force is killed, one that ended is not', () => {
  const remove: ContainerEvent = { type: 'RemoveRequested', container, force: true, volumes: false, at };
  expect(actions([network, created, started], remove)).toEqual(['kill 9']);
  expect(actions([network, created, started, exited()], remove)).toEqual([]);
});

test('events carry name, image and labels, and the exit its code and how long it ran', () => {
  const translator = new DockerEvents();
  for (const event of [created, started]) translator.translate([event]);
  expect(translator.translate([exited()])[0]).toMatchObject({ id: container, attributes: { l: '1', image: 'busybox', name: 'web', exitCode: '3', execDuration: '5' } });
  translator.translate([{ type: 'ContainerRenamed', container, name: 'site', oldName: 'web', at }]);
  expect(translator.translate([{ type: 'ContainerRemoved', container, at }])).toMatchObject([{ action: 'destroy', attributes: { name: 'site' } }]);
});

test.each([['00:00:00.900Z', '00:00:01.100Z', '0'], ['00:00:00.900Z', '00:00:01.900Z', '1'], ['00:00:00.100Z', '00:00:01.900Z', '1'], ['00:00:02.000Z', '00:00:01.000Z', '0']])('from %s to %s are %s whole seconds', (from, to, seconds) => {
  const translator = new DockerEvents();
  const day = '2026-01-01T';
  for (const event of [created, { ...started, at: day + from }]) translator.translate([event]);
  expect(translator.translate([{ ...exited(), at: day + to }])[0]?.attributes['execDuration']).toBe(seconds);
});

test('an image\'s events carry its labels, as long as it is there, and past a snapshot', () => {
  const image = 'sha256:1';
  const added: LoggedEvent = { type: 'ImageAdded', image, configDigest: image, manifestDigest: '', layers: [], sizeBytes: 0, origin: 'commit', at, labels: { k: 'v' } };
  const before = new DockerEvents();
  const tag: LoggedEvent = { type: 'ImageTagged', image, reference: 'a:1', at };
  before.translate([added]);
  const events = before.copy();
  const told = (...commit: LoggedEvent[]) => events.translate(commit).map(({ action, attributes }) => [action, attributes]);
  expect(told(tag)).toEqual([['tag', { k: 'v', name: 'a:1' }]]);
  expect(told({ type: 'ImageUntagged', image, reference: 'a:1', at }, { type: 'ImageRemoved', image, at })).toEqual([['untag', { k: 'v', name: image }], ['delete', { name: image }]]);
  expect(told(tag)).toEqual([['tag', { name: 'a:1' }]]);
});

test('a pull is named by what was pulled; names that come with an image are no events', () => {
  const image = 'sha256:1';
  const added = (origin: 'pull' | 'load' | 'import'): LoggedEvent => ({ type: 'ImageAdded', image, configDigest: image, manifestDigest: '', layers: [], sizeBytes: 0, origin, at });
  const tagged: LoggedEvent = { type: 'ImageTagged', image, reference: 'h:5000/a:b', at };
  const told = (...commit: LoggedEvent[]) => new DockerEvents().translate(commit).map(({ action, id, attributes }) => [action, id, attributes['name']]);
  expect(told(added('pull'), tagged)).toEqual([['pull', 'h:5000/a:b', 'h:5000/a']]);
  expect(told(added('load'), tagged)).toEqual([['load', image, image]]);
  expect(told(added('import'), tagged)).toEqual([['tag', image, 'h:5000/a:b'], ['import', image, image]]);
  expect(told(tagged)).toEqual([['tag', image, 'h:5000/a:b']]);
  expect(told({ type: 'ImageUntagged', image, reference: 'h:5000/a:b', at })).toEqual([['untag', image, image]]);
  expect(told({ type: 'ImageUntagged', image, reference: 'h:5000/a:b', movedTo: 'sha256:2', at })).toEqual([]);
  const recorded: LoggedEvent = { type: 'DigestRecorded', image, reference: 'a@sha256:2', at };
  expect(told(added('pull'), recorded)).toEqual([['pull', 'a@sha256:2', 'a']]);
  expect(told({ type: 'ImagePulled', image, reference: 'h:5000/a:b', at }, tagged, recorded)).toEqual([['pull', 'h:5000/a:b', 'h:5000/a']]);
  expect(told({ type: 'ImageLoaded', image, at }, tagged)).toEqual([['load', image, image]]);
  expect(told({ type: 'ImageSaved', image, at })).toEqual([['save', image, image]]);
});

test('a prune tells what it came to, of nothing in particular', () => {
  expect(new DockerEvents().translate([{ type: 'Pruned', kind: 'builder', removed: 0, reclaimedBytes: 0, at }])).toEqual([{ type: 'builder', action: 'prune', id: '', attributes: { reclaimed: '0' }, at }]);
});

test.each([
  [{ container: 'we' }, true],
  [{ container: 'ab' }, true],
  [{ container: 'eb' }, false],
  [{ image: 'busybox' }, true],
  [{ image: 'web' }, false],
  [{ node: 'n1' }, false],
  [{ plugin: 'p' }, false],
  [{ daemon: 'd' }, false],
  [{ service: 'we' }, true],
])('of filters that name actors, %j is as dockerd takes it', (wanted, fits) => {
  const event: DockerEvent = { type: 'container', action: 'create', id: 'abc', attributes: { name: 'web', image: 'busybox:1' }, at };
  expect(eventFits(event, new Map(Object.entries(wanted).map(([name, value]) => [name, [value]])))).toBe(fits);
});
