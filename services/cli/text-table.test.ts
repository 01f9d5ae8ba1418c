import { expect, test } from 'vitest';
import { textTable } from './text-table.js';

test('a table shows no control characters of strangers', () => {
  expect(textTable(['A', 'B'], [['x\u001b[2J', 'y']])).toBe('A      B\nx?[2J  y');
});
