import { expect, test } from 'vitest';
import type { Bus } from '#libs/messaging/bus.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';
import { ContainerStreams } from './container-streams.js';
import type { PendingAttaches } from './pending-attaches.js';

const ask = { container: 'c1', stdout: true, stderr: true, follow: false, timestamps: false, details: false, tail: -1, since: '', until: '' };

test('a container that is being removed has no logs to read', async () => {
  const asked: string[] = [];
  const bus = { request: (command: { readonly name: string }) => (asked.push(command.name), Promise.resolve({})) } as unknown as Bus;
  const directory = { find: () => ({ spec: { id: 'c1', config: {}, hostConfig: {} }, status: 'removing' }) } as unknown as ContainerDirectory;
  const streams = new ContainerStreams({} as Containers, directory, {} as PendingAttaches, { settled: () => Promise.resolve() }, bus, '/run');
  await expect(streams.logs(ask, {} as never)).rejects.toThrow('can not get logs from container which is dead or marked for removal');
  expect(asked).toEqual([]);
});
