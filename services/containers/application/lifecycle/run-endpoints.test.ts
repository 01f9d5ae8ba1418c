import { expect, test } from 'vitest';
import { ListNetworks } from '#contracts/networks/networks.js';
import { notFound, unavailable, unclassified } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import type { PresentContainer } from '../../domain/container/container-state.js';
import type { ContainerDirectory } from '../names/container-directory.js';
import { RunEndpoints } from './run-endpoints.js';

test.each([[notFound, 'network odd not found'], [unclassified, 'driver failed']])('that an endpoint cannot be had is told as dockerd tells it at a start', async (refuse, message) => {
  const container = { spec: { id: 'c1', name: 'web', config: {}, hostConfig: { NetworkMode: 'odd' } }, run: { start: 1 } } as unknown as PresentContainer;
  const endpoints = new RunEndpoints({} as ContainerDirectory, { request: () => Promise.reject(refuse(message)) } as unknown as Bus);
  await expect(endpoints.allocate(container, { actor: 'test', correlationId: 'c', causationId: 'd' })).rejects.toMatchObject({ kind: refuse('').kind, message: `failed to set up container networking: ${message}` });
});

test('a start goes on although an endpoint of nobody cannot be released, as where the log is full', async () => {
  const endpoints = ['c1', 'c2'].map((container) => ({ container, endpointId: `${container}-1` }));
  const released: unknown[] = [];
  const request = async (type: unknown, data: { readonly endpoint?: string }): Promise<unknown> => {
    if (type === ListNetworks) return { networks: [{ name: 'bridge', endpoints }] };
    if (data.endpoint === 'c1-1') throw unavailable('the log is full');
    released.push(data.endpoint);
    return { position: 0 };
  };
  const told: string[] = [];
  await new RunEndpoints({ get: () => undefined } as unknown as ContainerDirectory, { request } as unknown as Bus).settle({ actor: 'test', correlationId: 'c', causationId: 'd' }, (_error, container) => told.push(container));
  expect([told, released]).toEqual([['c1'], ['c2-1']]);
});
