import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { unavailable } from '#libs/errors/errors.js';
import { type Cause, noHead } from '#libs/event-store/event.js';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import { LogFold } from './log-fold.js';

const cause: Cause = { correlationId: 'c', causationId: 'd', actor: 'test' };
let folder: string;
let store: MemoryEventStore;
/** What was given to a fold, in order. */
let seen: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-log-fold-'));
  [store, seen] = [new MemoryEventStore(), []];
});
afterEach(() => rm(folder, { recursive: true }));

const happen = (id: string): Promise<unknown> => store.append(`berth.event.thing.${id}`, noHead, [{ type: 'Happened' }], cause);

const counting = (fold = '1'): LogFold<{ count: number }> =>
  new LogFold(store, {
    filters: ['berth.event.thing.>'],
    initial: () => ({ count: 0 }),
    evolve: (state, { subject }) => {
      const id = subject.slice(18);
      if (id === 'bad') throw new Error('cannot be folded');
      seen.push(id);
      state.count++;
    },
    snapshot: { path: join(folder, 'things.snapshot'), fold, freeze: ({ count }) => count, thaw: (frozen) => ({ count: frozen as number }) },
  });

test('a fold that was looked at goes on from its snapshot when it is looked at again', async () => {
  const first = counting();
  await first.saveSnapshot();
  expect(first.position).toBe(0);
  for (const id of ['a', 'b']) await happen(id);
  expect((await first.read()).count).toBe(2);
  await happen('c');
  expect((await first.read()).count).toBe(3);
  expect(first.position).toBe(3);
  await first.saveSnapshot();
  await first.stop();
  await happen('d');

  const second = counting();
  await second.saveSnapshot(); // nobody has looked: what is there stays
  expect((await second.read()).count).toBe(4);
  await second.stop();
  expect(seen).toEqual(['a', 'b', 'c', 'd']);

  const changed = counting('2');
  expect((await changed.read()).count).toBe(4);
  expect(seen).toEqual(['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd']);
  await changed.stop();
});

test('one that has ended is begun again by who looks next, and is saved no more', async () => {
  const fold = counting();
  await happen('a');
  await fold.read();
  await fold.saveSnapshot();
  await happen('bad');
  await expect(fold.read()).rejects.toThrow('cannot be folded');
  await fold.saveSnapshot();
  await expect(fold.read()).rejects.toThrow('cannot be folded');
  expect(seen).toEqual(['a']);
  await fold.stop();
});

test('a log that does not answer is asked again', async () => {
  const fold = counting();
  await happen('a');
  const follow = store.follow.bind(store);
  store.follow = () => Promise.reject(unavailable('the log does not answer'));
  await expect(fold.read()).rejects.toThrow('does not answer');
  store.follow = follow;
  expect((await fold.read()).count).toBe(1);
  await fold.stop();
});
