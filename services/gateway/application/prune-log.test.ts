import { expect, test } from 'vitest';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import { PruneLog } from './prune-log.js';

test('of prunes at once each is on the log', async () => {
  const store = new MemoryEventStore();
  const log = new PruneLog(store);
  await Promise.all(Array.from({ length: 12 }, (_, removed) => log.record('builder', removed, 0, { actor: 'uid:0', correlationId: 'c', causationId: 'd' })));
  const events = (await store.read('berth.event.prune.builder')).flatMap((commit) => commit.events as readonly unknown[] as readonly { readonly removed: number }[]);
  expect(events.map(({ removed }) => removed)).toEqual(Array.from({ length: 12 }, (_, removed) => removed));
});
