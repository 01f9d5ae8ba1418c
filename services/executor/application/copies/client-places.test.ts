import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ClientPlace, ClientPlaces } from './client-places.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const PATIENCE_MS = 30_000;
const two = (): ClientPlaces => new ClientPlaces({ most: 2, patienceMs: PATIENCE_MS });

/** A transfer that lasts until its place ends, or until it is `done`. */
function transfer(places: ClientPlaces) {
  const place = new ClientPlace();
  const { promise, resolve: done } = Promise.withResolvers<void>();
  place.ended.addEventListener('abort', () => done());
  let begun = false;
  const over = places.hold(place, () => ((begun = true), promise));
  return { place, done, over, hasBegun: () => begun };
}

test('a client may take as long as it likes while there is room', async () => {
  const places = two();
  const slow = transfer(places);
  slow.place.marks.waitsForClient();
  expect(transfer(places).hasBegun()).toBe(true);
  await vi.advanceTimersByTimeAsync(100 * PATIENCE_MS);
  expect(slow.place.ended.aborted).toBe(false);
});

test('where there is none, who waits has the place of whoever was idle for longest, once it was idle for long', async () => {
  const places = two();
  const [first, second] = [transfer(places), transfer(places)];
  second.place.marks.waitsForClient();
  await vi.advanceTimersByTimeAsync(1_000);
  first.place.marks.waitsForClient();
  const third = transfer(places);
  await vi.advanceTimersByTimeAsync(PATIENCE_MS - 1_001);
  expect([first, second].map(({ place }) => place.ended.aborted)).toEqual([false, false]);
  await vi.advanceTimersByTimeAsync(1);
  expect([first, second].map(({ place }) => place.ended.aborted)).toEqual([false, true]);
  expect(third.hasBegun()).toBe(true);
  await vi.advanceTimersByTimeAsync(100 * PATIENCE_MS);
  expect(first.place.ended.aborted).toBe(false);
});

test('each who waits ends one at the most, though that one takes its time to go', async () => {
  const places = two();
  const leaving = Promise.withResolvers<void>();
  const idle = [new ClientPlace(), new ClientPlace()];
  for (const place of idle) {
    void places.hold(place, () => leaving.promise);
    place.marks.waitsForClient();
  }
  const third = transfer(places);
  await vi.advanceTimersByTimeAsync(10 * PATIENCE_MS);
  expect(idle.map(({ ended }) => ended.aborted)).toEqual([true, false]);
  transfer(places);
  await vi.advanceTimersByTimeAsync(PATIENCE_MS);
  expect(idle.map(({ ended }) => ended.aborted)).toEqual([true, true]);
  leaving.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(third.hasBegun()).toBe(true);
});

test('one that works is not idle, nor one whose client takes its bytes one by one', async () => {
  const places = two();
  const [working, slow] = [transfer(places), transfer(places)];
  const third = transfer(places);
  for (let minute = 0; minute < 10; minute++) {
    slow.place.marks.goesOn();
    slow.place.marks.waitsForClient();
    await vi.advanceTimersByTimeAsync(PATIENCE_MS / 2);
  }
  expect([working, slow].map(({ place }) => place.ended.aborted)).toEqual([false, false]);
  expect(third.hasBegun()).toBe(false);
  working.done();
  await working.over;
  await vi.advanceTimersByTimeAsync(0);
  expect(third.hasBegun()).toBe(true);
});

test('places are given in order, also where a transfer failed', async () => {
  const places = new ClientPlaces({ most: 1, patienceMs: PATIENCE_MS });
  const failed = places.hold(new ClientPlace(), () => Promise.reject(new Error('broken')));
  const [second, third] = [transfer(places), transfer(places)];
  await expect(failed).rejects.toThrow('broken');
  const later = transfer(places);
  await vi.advanceTimersByTimeAsync(0);
  expect([second, third, later].map(({ hasBegun }) => hasBegun())).toEqual([true, false, false]);
  second.done();
  await second.over;
  await vi.advanceTimersByTimeAsync(0);
  expect([third, later].map(({ hasBegun }) => hasBegun())).toEqual([true, false]);
});
