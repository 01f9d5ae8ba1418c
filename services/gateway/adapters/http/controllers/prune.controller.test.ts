import { expect, test } from 'vitest';
import type { RequestContext } from '#contracts/request.js';
import type { EngineClient } from '../../../application/engine-client.js';
import type { PruneLog } from '../../../application/prune-log.js';
import { PruneController } from './prune.controller.js';

const asked: RequestContext = { actor: 'uid:0', correlationId: 'c', causationId: 'd' };

test('of two prunes at once one is refused, unless they are the same request', async () => {
  const lists = Promise.withResolvers<object>();
  const engine = { ask: () => lists.promise } as unknown as EngineClient;
  const log = { record: () => Promise.resolve() } as unknown as PruneLog;
  const controller = new PruneController(engine, log);
  const prune = (idempotencyKey?: string): Promise<object> => controller.images({}, { ...asked, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) });
  const first = [prune('key'), prune('key')];
  await expect(prune()).rejects.toMatchObject({ kind: 'conflict', message: 'a prune operation is already running' });
  lists.resolve({ containers: [], images: [] });
  expect(await Promise.all(first)).toEqual(Array(2).fill({ ImagesDeleted: null, SpaceReclaimed: 0 }));
  expect(await prune()).toEqual({ ImagesDeleted: null, SpaceReclaimed: 0 });
});
