import { expect, test } from 'vitest';
import { Turns } from './turns.js';

const present = new AbortController().signal;

/** Works that end when they are told to. */
function works(turns: Turns) {
  const begun: number[] = [];
  const ends = new Map<number, () => void>();
  const take = (number: number, gone = present): Promise<number> =>
    turns.take(() => {
      begun.push(number);
      return new Promise((resolve) => ends.set(number, () => resolve(number)));
    }, gone);
  return { begun, take, end: (number: number) => ends.get(number)?.() };
}

test('so many are at work at once, the others in the order in which they came', async () => {
  const { begun, take, end } = works(new Turns(2));
  const asked = [1, 2, 3, 4].map((number) => take(number));
  await expect.poll(() => begun).toEqual([1, 2]);
  end(2);
  expect(await asked[1]).toBe(2);
  await expect.poll(() => begun).toEqual([1, 2, 3]);
  end(1);
  await expect.poll(() => begun).toEqual([1, 2, 3, 4]);
});

test('who leaves while it waits is told at once, and keeps nobody behind it from its turn', async () => {
  const { begun, take, end } = works(new Turns());
  const leaving = new AbortController();
  const [first, second, third] = [take(1), take(2, leaving.signal), take(3)];
  leaving.abort();
  await expect(second).rejects.toThrow('aborted');
  expect(begun).toEqual([1]);
  end(1);
  await first;
  await expect.poll(() => begun).toEqual([1, 3]);
  end(3);
  await third;
  await expect(take(4, leaving.signal)).rejects.toThrow('aborted');
  const last = take(5);
  await expect.poll(() => begun).toEqual([1, 3, 5]);
  end(5);
  await last;
});

test('work that fails ends its turn', async () => {
  const turns = new Turns();
  await expect(turns.take(() => Promise.reject(new Error('no')), present)).rejects.toThrow('no');
  expect(await turns.take(async () => 1, present)).toBe(1);
});
