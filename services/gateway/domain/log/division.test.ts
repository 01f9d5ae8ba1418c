import { expect, test } from 'vitest';
import { Division } from './division.js';

test('what tells no time is on neither side of one', () => {
  const division = new Division(100);
  division.take(1, 50);
  for (let position = 2; position < 14; position++) division.take(position, Number.NaN);
  division.take(14, 90);
  division.take(15, 200);
  expect(division.position).toBe(14);
});
