import { expect, test } from 'vitest';
import { momentOf, readTimeLimit, unixNanos } from './time.js';

test('a time limit has one form, however it was written, so that it compares as text', () => {
  expect(readTimeLimit('1767254400.1234567891')).toBe('2026-01-01T08:00:00.123456789Z');
  for (const far of ['99999999999999', '9223372036854775807']) expect(readTimeLimit(far)).toBe('9999-12-31T23:59:59.000000000Z');
  expect(readTimeLimit('-99999999999999')).toBe('0001-01-01T00:00:00.000000000Z');
});

test('time limits are Unix seconds', () => {
  expect(readTimeLimit('1700000000.5')).toBe('2023-11-14T22:13:20.500000000Z');
  expect(readTimeLimit('-1')).toBe('');
  expect(readTimeLimit('0')).toBe('1970-01-01T00:00:00.000000000Z');
  for (const [wrong, says] of [
    ['yesterday', 'parsing "yesterday": invalid syntax'],
    ['1.', 'parsing "": invalid syntax'],
    ['1.x', 'parsing "x": invalid syntax'],
    ['2026-12-01T00:00:00Z', 'parsing "2026-12-01T00:00:00Z": invalid syntax'],
    ['2026-12-01T00:00:00', 'parsing "2026-12-01T00:00:00": invalid syntax'],
    ['99999999999999999999', 'parsing "99999999999999999999": value out of range'],
  ] as const) expect(() => readTimeLimit(wrong)).toThrow(expect.objectContaining({ kind: 'unclassified', message: `strconv.ParseInt: ${says}` }));
  expect(unixNanos('2023-11-14T22:13:20.123456789Z')).toBe(1700000000123456789n);
});

test('what filters take is a date too', () => {
  expect(momentOf('2026-01-01T10:00:00.5+02:00')).toBe(Date.parse('2026-01-01T08:00:00.5Z'));
  expect([momentOf('2026-01-01'), momentOf('1700000000.5')]).toEqual([Date.parse('2026-01-01'), 1_700_000_000_500]);
  expect([momentOf('2026-13-01T00:00:00Z'), momentOf('soon')]).toEqual([undefined, undefined]);
});
