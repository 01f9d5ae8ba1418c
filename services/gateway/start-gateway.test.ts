import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { startGateway } from './start-gateway.js';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'berth-gateway-'))));
afterEach(() => rm(folder, { recursive: true }));

/** A log of which no refusals can be read: they are many. */
class LongLog extends MemoryEventStore {
  override follow(...asked: Parameters<MemoryEventStore['follow']>): ReturnType<MemoryEventStore['follow']> {
    return asked[0].some((filter) => filter.startsWith('berth.event.access.')) ? new Promise(() => {}) : super.follow(...asked);
  }
}

test('with a policy it listens before it has read any refusals, and writes its own', async () => {
  const policy = join(folder, 'policy.json');
  await writeFile(policy, JSON.stringify({ grants: [{ to: { uid: 7 }, role: 'admin' }] }));
  const socket = join(folder, 'docker.sock');
  const settings = { socket, policy, dataRoot: folder, runRoot: join(folder, 'run'), apart: [], natsEmbedded: true } as unknown as EngineSettings; // only these are read
  const store = new LongLog();
  const none = (): Promise<never> => Promise.reject(new Error('nothing is asked'));
  const gateway = await startGateway({ settings, store, bus: { request: none }, openStream: none });
  const status = await new Promise((resolve, reject) => request({ socketPath: socket, path: '/containers/json' }, (response) => resolve(response.resume().statusCode)).on('error', reject).end());
  expect(status).toBe(403);
  expect((await store.commitAt(1))?.events).toMatchObject([{ type: 'AccessRefused', route: 'GET /containers/json' }]);
  await gateway.close();
});
