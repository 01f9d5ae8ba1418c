import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { closeAll } from './end-at-signal.js';

function connection(): { close(): Promise<void>; readonly closed: Promise<void>; isClosed: boolean } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    isClosed: false,
    closed: promise,
    async close() {
      this.isClosed = true;
      resolve();
    },
  };
}

test('what waits for a log that is silent is told so, and the rest is closed in its order, what was opened last first', async () => {
  const link = connection();
  const order: string[] = [];
  const closer = (name: string, done: Promise<unknown> = Promise.resolve()) => async () => (order.push(name), await done);
  await closeAll({ closers: [closer('first'), closer('second'), closer('waits', link.closed)], log: { lastPosition: () => new Promise(() => undefined) }, connections: [link] });
  expect(order).toEqual(['waits', 'second', 'first']);
});
test('a log that answers is waited for, however long it takes', async () => {
  const link = connection();
  let isStillOpen = false;
  await closeAll({ closers: [() => sleep(1_500).then(() => (isStillOpen = !link.isClosed))], log: { lastPosition: async () => 1 }, connections: [link] });
  expect(isStillOpen).toBe(true);
});
test('one that fails to close keeps none of the others from it', async () => {
  const link = connection();
  await closeAll({ closers: [() => link.close(), () => Promise.reject(new Error('no'))], log: { lastPosition: async () => 1 }, connections: [] });
  expect(link.isClosed).toBe(true);
});
