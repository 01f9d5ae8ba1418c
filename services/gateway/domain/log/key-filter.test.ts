import { expect, test } from 'vitest';
import { keyHash } from './concerns.js';
import { filterOf, mayHave } from './key-filter.js';

const hashes = (word: string, count: number): number[] => Array.from({ length: count }, (_, number) => keyHash(`${word} ${number.toString(16).padStart(64, '0')}`));

test('it has all that is in it, and hardly anything else', () => {
  const filter = filterOf(new Set(hashes('container', 1000)));
  expect(filter.length).toBeLessThan(1300);
  expect(hashes('container', 1000).every((hash) => mayHave(filter, hash))).toBe(true);
  expect(hashes('network', 10_000).filter((hash) => mayHave(filter, hash)).length).toBeLessThan(300);
});

test('one of nothing has nothing', () => expect(mayHave(filterOf(new Set()), keyHash('container a'))).toBe(false));
