import { expect, test } from 'vitest';
import { plainText } from './normalise.js';

test('ids are alike whatever their digits, and words that could be one stay', () => {
  expect(plainText(`of 177725608522 and ${'a1'.repeat(6)}, ${'0'.repeat(64)}`)).toBe('of <short id> and <short id>, <id>');
  expect(plainText('a faced decade of 13 digits, 1777256085221')).toBe('a faced decade of 13 digits, 1777256085221');
});
