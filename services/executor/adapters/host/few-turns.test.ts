import { expect, test } from 'vitest';
import { FewTurns } from './few-turns.js';

test('who waits has the turn that is given back, in order, unless it took too long', async () => {
  const turns = new FewTurns(1);
  expect(await turns.take(0)).toBe(true);
  expect(await turns.take(1)).toBe(false);
  const [first, second] = [turns.take(10_000), turns.take(10_000)];
  turns.giveBack();
  expect(await first).toBe(true);
  turns.giveBack();
  expect(await second).toBe(true);
  expect(turns.taken).toBe(1);
  turns.giveBack();
  expect(turns.taken).toBe(0);
});
