import { expect, test } from 'vitest';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import { PruneLog } from './prune-log.js';

test('prunes that end together are all on the log', async () => {
  const store = new MemoryEventStore();
  const log = new PruneLog(store);
  await Promise.all(Array.from({ length: 12 }, (_, removed) => log.record('image', removed, 0, { actor: 'uid:0', correlationId: 'c', causationId: 'c' })));
  const commits = await store.read('berth.event.prune.image');
  expect(commits.flatMap(({ events }) => events).map((event) => 'removed' in event && event.removed)).toEqual(Array.from({ length: 12 }, (_, removed) => removed));
});
