import { expect, test } from 'vitest';
import { isContainerName } from './container-name.js';
import { randomName } from './random-name.js';

test.each([[0, 0, 0], [0.999, 0.999, 0.999], [0.5, 0.5, 0.5], [0.25, 0.26, 0.9]])('%d %d %d: two different adjectives and a noun', (...random) => {
  const name = randomName(random as [number, number, number], 0);
  const words = name.split('_');
  expect([words.length, new Set(words).size]).toEqual([3, 3]);
  expect(isContainerName(name)).toBe(true);
  expect(randomName(random as [number, number, number], 2)).toBe(`${name}2`);
});
