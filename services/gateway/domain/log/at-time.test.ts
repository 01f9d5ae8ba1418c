import { expect, test } from 'vitest';
import { readTime } from './at-time.js';

test('a time is RFC 3339 with an offset, Unix seconds, or how long ago', () => {
  expect(readTime('10m', 1_000_000)).toBe(400_000);
  expect(readTime('12.5', 20_000)).toBe(12_500);
  expect(readTime('1970-01-01T01:00:01+01:00', 20_000)).toBe(1_000);
  for (const wrong of ['', 'yesterday', '2026-01-31', '2026-01-31T10:00:00', '2026-13-31T10:00:00Z']) expect(() => readTime(wrong, 0)).toThrow(/is no time/);
  expect(() => readTime('12.5', 12_000)).toThrow('"12.5" is yet to come');
});
