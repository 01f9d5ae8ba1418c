import { expect, test } from 'vitest';
import { isContainerName } from './container-name.js';
import { randomName } from './random-name.js';

test.each([[0, 0, 0], [0.999, 0.999, 0.99999], [0.5, 0.5, 0.5], [0.25, 0.26, 0.9]])('%d %d %d: an adjective, a noun and three letters', (...random) => {
  const name = randomName(random as [number, number, number], 0);
  expect(name).toMatch(/^[a-z]+_[a-z]+_[b-z2-9]{3}$/);
  expect(isContainerName(name)).toBe(true);
  expect(randomName(random as [number, number, number], 2)).toBe(`${name}2`);
});

test('each third number is another name', () => {
  const names = new Set(Array.from({ length: 27 ** 3 }, (_, at) => randomName([0, 0, (at + 0.5) / 27 ** 3], 0)));
  expect(names.size).toBe(27 ** 3);
});
