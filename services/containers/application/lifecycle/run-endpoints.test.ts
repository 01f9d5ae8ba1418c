import { expect, test } from 'vitest';
import { ListNetworks } from '#contracts/networks/networks.js';
import { notFound, unavailable } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import type { PresentContainer } from '../../domain/container/container-state.js';
import type { ContainerDirectory } from '../names/container-directory.js';
import { RunEndpoints } from './run-endpoints.js';

test('a network that is not there is told as dockerd tells it at a start', async () => {
  const container = { spec: { id: 'c1', name: 'web', config: {}, hostConfig: { NetworkMode: 'odd' } }, run: { start: 1 } } as unknown as PresentContainer;
  const endpoints = new RunEndpoints({} as ContainerDirectory, { request: () => Promise.reject(notFound('network odd not found')) } as unknown as Bus);
  await expect(endpoints.allocate(container, { actor: 'test', correlationId: 'c', causationId: 'd' })).rejects.toMatchObject({ kind: 'not-found', message: 'failed to set up container networking: network odd not found' });
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
