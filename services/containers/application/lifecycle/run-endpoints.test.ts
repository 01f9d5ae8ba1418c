import { expect, test } from 'vitest';
import { ListNetworks } from '#contracts/networks/networks.js';
import { unavailable } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import type { ContainerDirectory } from '../names/container-directory.js';
import { RunEndpoints } from './run-endpoints.js';

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
