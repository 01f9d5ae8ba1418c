import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Stock } from './stock.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

let made = 0;
let discarded: number[] = [];
const make = async (): Promise<number> => ++made;
const discard = (thing: number): void => void discarded.push(thing);
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  made = 0;
  discarded = [];
});

test('as many as were asked for are made; one that was taken is made anew when none was taken for a while', async () => {
  const stock = new Stock(4, make, discard);
  expect(stock.take()).toBeUndefined();
  await settled();
  expect(stock.ready).toBe(4);
  expect(stock.take()).toBe(4);
  await vi.advanceTimersByTimeAsync(149);
  expect(stock.take()).toBe(3);
  await vi.advanceTimersByTimeAsync(149);
  expect(made).toBe(4);
  await vi.advanceTimersByTimeAsync(1);
  expect([made, stock.ready]).toEqual([6, 4]);
});

test('where less than half is left, more are made at once', async () => {
  const stock = new Stock(4, make, discard);
  await settled();
  stock.take();
  stock.take();
  await settled();
  expect(stock.ready).toBe(2);
  stock.take();
  await settled();
  expect(stock.ready).toBe(4);
});

test('what could not be made is tried again with the next that is taken', async () => {
  const failing = vi.fn(make).mockRejectedValueOnce(new Error('no room'));
  const stock = new Stock(2, failing, discard);
  await settled();
  expect(stock.ready).toBe(0);
  expect(stock.take()).toBeUndefined();
  await settled();
  expect(stock.ready).toBe(2);
});

test('closed, it discards what it has, and what was still being made', async () => {
  let finish: (thing: number) => void = () => undefined;
  const stock = new Stock(2, () => (made === 0 ? make() : new Promise<number>((resolve) => (finish = resolve))), discard);
  await settled();
  expect(stock.ready).toBe(1);
  stock.close();
  expect(discarded).toEqual([1]);
  finish(2);
  await settled();
  expect(discarded).toEqual([1, 2]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(made).toBe(1);
});
