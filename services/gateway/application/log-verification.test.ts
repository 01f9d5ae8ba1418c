import { expect, test } from 'vitest';
import { type Commit, type Head, noHead } from '#libs/event-store/event.js';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import { LogVerification } from './log-verification.js';

const cause = { correlationId: 'c', causationId: 'd', actor: 'test' };
const live = new AbortController().signal;

/** A log of so many commits, and how many of them were given to readers. */
async function logOf(count: number) {
  const store = new MemoryEventStore();
  for (let n = 0; n < count; n++) await store.append(`berth.event.thing.${n}`, noHead, [{ type: 'Happened' }], cause);
  const reading = { given: 0, most: 0, now: 0, onFirst: () => undefined as void };
  const replay: MemoryEventStore['replay'] = async (filters, after, onCommit, to) => {
    reading.most = Math.max(reading.most, ++reading.now);
    await Promise.resolve();
    const last = await store.replay(filters, after, (commit) => {
      if (reading.given++ === 0) reading.onFirst();
      onCommit(commit);
    }, to);
    reading.now--;
    return last;
  };
  return { reading, store, verification: new LogVerification({ replay, lastPosition: () => store.lastPosition() }) };
}

test('all of the log is read, and what came after a position', async () => {
  const { verification } = await logOf(3000);
  expect(await verification.verify(0, live)).toEqual({ commits: 3000, subjects: 3000, broken: [], position: 3000 });
  expect(await verification.verify(2999, live)).toMatchObject({ commits: 1, broken: [] });
  expect(await verification.verify(3000, live)).toMatchObject({ commits: 0, broken: [], position: 3000 });
  expect((await verification.verify(3001, live)).broken).toHaveLength(1);
});

test('many who ask are served one after the other', async () => {
  const { reading, verification } = await logOf(10);
  await Promise.all([1, 2, 3].map(() => verification.verify(0, live)));
  expect(reading).toMatchObject({ given: 30, most: 1 });
});

test('nothing more is read for who has gone, and the next in turn is served', async () => {
  const { reading, verification } = await logOf(5000);
  const leaving = new AbortController();
  reading.onFirst = () => leaving.abort();
  const asked = [verification.verify(0, leaving.signal), verification.verify(0, leaving.signal), verification.verify(4990, live)];
  expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  expect(reading.given).toBeLessThan(5000);
});

test('what came after a position is held against what it continues, which is given one commit at a time, and no more for who has gone', async () => {
  const { reading, store, verification } = await logOf(1);
  let head: Head = noHead;
  for (let n = 0; n < 100; n++) {
    const { position, hash }: Commit = await store.append('berth.event.pool.berth0', head, [{ type: 'Happened' }], cause);
    head = { sequence: position, hash };
  }
  expect(await verification.verify(100, live)).toEqual({ commits: 1, subjects: 1, broken: [], position: 101 });
  expect(reading.given).toBe(1 + 99);
  const leaving = new AbortController();
  reading.given = 0;
  reading.onFirst = () => queueMicrotask(() => leaving.abort());
  await expect(verification.verify(100, leaving.signal)).rejects.toThrow('aborted');
  expect(reading.given).toBeLessThan(5);
});
