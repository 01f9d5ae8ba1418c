import { expect, test } from 'vitest';
import { RareLook } from './rare-look.js';

test('the first read waits for a look, later ones take what was seen until it is old', async () => {
  let looks = 0;
  const look = new RareLook(async () => ++looks, 3600);
  expect([await look.read(), await look.read()]).toEqual([1, 1]);
});

test('readers share a look that is under way', async () => {
  let looks = 0;
  const look = new RareLook(async () => ++looks, 0);
  expect(await Promise.all([look.read(), look.read()])).toEqual([1, 1]);
  expect(await look.read()).toBe(2);
});

test('a look that fails is told, and tried again', async () => {
  let looks = 0;
  const look = new RareLook(async () => (++looks === 1 ? Promise.reject(new Error('no')) : looks), 3600);
  await expect(look.read()).rejects.toThrow('no');
  expect(await look.read()).toBe(2);
});
