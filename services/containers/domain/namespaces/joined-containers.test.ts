import { expect, test } from 'vitest';
import type { HostConfig } from '#contracts/containers/container-config.js';
import type { ContainerMount } from '#contracts/containers/container-state.js';
import type { PresentContainer } from '../container/container-state.js';
import { joinedContainers, joinsOf, withJoinedIds } from './joined-containers.js';

/** As much of a container as joining looks at. */
const donor = (id: string, hostConfig: HostConfig = {}, more: { status?: string; mounts?: readonly Partial<ContainerMount>[] } = {}) =>
  ({ status: more.status ?? 'running', spec: { id, name: `name-of-${id}`, hostConfig, mounts: more.mounts ?? [] } }) as unknown as PresentContainer;
const among = (...donors: readonly PresentContainer[]) => (id: string) => donors.find(({ spec }) => spec.id === id);

test('names become ids, other modes stay', () => {
  expect(joinedContainers({ PidMode: 'container:a:b', IpcMode: 'shareable' })).toEqual({ pid: 'a:b' });
  expect(withJoinedIds({ PidMode: 'container:web', IpcMode: 'container:db', Memory: 1 }, (name) => donor(`${name}-id`))).toEqual({ PidMode: 'container:web-id', IpcMode: 'container:db-id', Memory: 1 });
  expect(withJoinedIds({ PidMode: 'host', IpcMode: '' }, () => undefined)).toEqual({ PidMode: 'host', IpcMode: '' });
  expect(() => withJoinedIds({ PidMode: 'container:web' }, () => undefined)).toThrow(expect.objectContaining({ kind: 'invalid', message: 'No such container: web' }) as Error);
});

test('a start that joins nobody asks for nothing', () => expect(joinsOf({ PidMode: 'host', IpcMode: 'private' }, among())).toEqual({}));

test.each([['shareable'], ['host'], ['container:c0']])('IPC that is %s can be shared', (IpcMode) =>
  expect(joinsOf({ IpcMode: 'container:c1', PidMode: 'container:c2' }, among(donor('c1', { IpcMode }), donor('c2')))).toEqual({ joins: { ipc: 'c1', pid: 'c2' } }));

test.each([['its default', {}], ['private', { IpcMode: 'private' }], ['none', { IpcMode: 'none' }]])('IPC that is %s cannot', (_what, hostConfig) =>
  expect(() => joinsOf({ IpcMode: 'container:c1' }, among(donor('c1', hostConfig)))).toThrow(expect.objectContaining({ kind: 'invalid', message: 'failed to join IPC namespace: container c1: non-shareable IPC (hint: use IpcMode:shareable for the donor container)' })));

test.each(['/dev/shm', '/dev'])('nor can that of a container with a mount of the user at %s', (target) =>
  expect(() => joinsOf({ IpcMode: 'container:c1' }, among(donor('c1', { IpcMode: 'shareable' }, { mounts: [{ target }] })))).toThrow('non-shareable IPC'));

test('a network is that of a container that runs', () => {
  const joining = (...donors: readonly PresentContainer[]) => () => joinsOf({ NetworkMode: 'container:c1' }, among(...donors));
  const refused = (kind: string, message: string) => expect.objectContaining({ kind, message }) as Error;
  expect(joining(donor('c1'))()).toEqual({});
  expect(joining()).toThrow(refused('unclassified', 'joining network namespace of container: No such container: c1'));
  expect(joining(donor('c1', {}, { status: 'created' }))).toThrow(refused('conflict', 'cannot join network namespace of a non running container: container name-of-c1 is created'));
  expect(joining(donor('c1', {}, { status: 'restarting' }))).toThrow(refused('unclassified', 'cannot join network namespace of container: container c1 is restarting, wait until the container is running'));
});

test('IPC of a container that does not run is not asked for how it is shared', () =>
  expect(() => joinsOf({ IpcMode: 'container:c1' }, among(donor('c1', {}, { status: 'exited' })))).toThrow(expect.objectContaining({ kind: 'conflict', message: 'failed to join IPC namespace: container c1 is not running' }) as Error));

test('who is gone, or about to start again, is not joined', () => {
  expect(() => joinsOf({ PidMode: 'container:c1' }, among())).toThrow('failed to join PID namespace: No such container: c1');
  expect(() => joinsOf({ IpcMode: 'container:c1' }, among())).toThrow('failed to join IPC namespace: No such container: c1');
  expect(() => joinsOf({ PidMode: 'container:c1' }, among(donor('c1', {}, { status: 'restarting' })))).toThrow(expect.objectContaining({ kind: 'unclassified', message: 'failed to join PID namespace: container c1 is restarting, wait until the container is running' }));
});
