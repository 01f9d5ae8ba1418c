import { expect, test } from 'vitest';
import { shortDuration, wholeDuration } from './durations.js';

test.each([
  [0, '0ms', '0s'],
  [999.4, '999ms', '0s'],
  [1_234, '1.2s', '1s'],
  [9_999, '10.0s', '9s'],
  [89_999, '89s', '89s'],
  [90_000, '1m', '1m'],
  [3 * 3_600_000, '3h', '3h'],
  [9 * 86_400_000, '9d', '9d'],
])('%d ms', (ms, short, whole) => expect([shortDuration(ms), wholeDuration(ms)]).toEqual([short, whole]));
