import { expect, test } from 'vitest';
import type { RequestContext } from '#contracts/request.js';
import { HoldVolume } from '#contracts/volumes/volumes.js';
import { notFound } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import { StartPhases } from '../lifecycle/start-phases.js';
import { ContainerCreation } from './create-container.js';

const asked: RequestContext = { actor: 'test', correlationId: 'c', causationId: 'd' };
const volume = { type: 'volume', name: 'cache', source: '/cache', target: '/data', readOnly: true, mode: '', propagation: '' } as const;
const bind = { type: 'bind', source: '/srv', target: '/srv', readOnly: false, mode: '', propagation: 'rprivate' } as const;
const wanted = [volume, bind].map((borrowed) => ({ target: borrowed.target, borrowed }));
const creation = (request: (type: unknown, data: unknown) => Promise<unknown>): ContainerCreation => new ContainerCreation(undefined as never, undefined as never, undefined as never, { request } as unknown as Bus, false, new StartPhases());

test("another container's volumes are held while one that borrows them is made", async () => {
  const requests: unknown[] = [];
  const made = creation(async (type, data) => void requests.push([type, data]));
  expect(await made.prepareMounts('c1', wanted, [], asked, [], { heldFor: 'c1' })).toEqual([volume, bind]);
  expect(requests).toEqual([[HoldVolume, { name: 'cache', container: 'c1', beingMade: true }]]);
});

test('one that is gone by then is no missing image', async () => {
  const made = creation(() => Promise.reject(notFound('get cache: no such volume')));
  await expect(made.prepareMounts('c1', wanted, [], asked, [], { heldFor: 'c1' })).rejects.toMatchObject({ kind: 'invalid', message: 'get cache: no such volume' });
});
