import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isRunning, parseStat } from './process-file.js';

test('a command name with parentheses and blanks does not move the fields', () => {
  const fields = ['S', ...Array.from({ length: 18 }, (_, index) => String(index)), '4711', '0'];
  expect(parseStat(`12 (a) b (c) ${fields.join(' ')}`)).toEqual({ pid: 12, state: 'S', startTicks: '4711' });
});

test('half a line is nobody', () => expect(parseStat('12 (node) S 1')).toBeUndefined());

test('this process runs; one of its pid that started at another time does not', () => {
  const self = parseStat(readFileSync('/proc/self/stat', 'utf8'));
  if (!self) throw new Error('unreadable /proc/self/stat');
  expect(isRunning(self)).toBe(true);
  expect(isRunning({ ...self, startTicks: '1' })).toBe(false);
});
