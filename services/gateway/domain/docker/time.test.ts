import { expect, test } from 'vitest';
import { readTimeLimit, unixNanos } from './time.js';

test('time limits are Unix seconds or RFC 3339', () => {
  expect(readTimeLimit('since', '1700000000.5')).toBe('2023-11-14T22:13:20.500000000Z');
  expect(readTimeLimit('since', '0')).toBe('');
  expect(readTimeLimit('since', '2026-01-01T00:00:00Z')).toBe('2026-01-01T00:00:00Z');
  expect(() => readTimeLimit('since', 'yesterday')).toThrow('invalid value for "since"');
  expect(unixNanos('2023-11-14T22:13:20.123456789Z')).toBe(1700000000123456789n);
});
