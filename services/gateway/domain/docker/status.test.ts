import { expect, test } from 'vitest';
import { humanDuration, statusText } from './status.js';

const second = 1000;
const hour = 3600 * second;

test.each([
  [0, 'Less than a second'],
  [1.9 * second, '1 second'],
  [59 * second, '59 seconds'],
  [60 * second, 'About a minute'],
  [59 * 60 * second, '59 minutes'],
  [hour, 'About an hour'],
  [1.5 * hour, '2 hours'],
  [47 * hour, '47 hours'],
  [48 * hour, '2 days'],
  [14 * 24 * hour, '2 weeks'],
  [61 * 24 * hour, '2 months'],
  [800 * 24 * hour, '2 years'],
])('%d ms are printed as %s', (ms, text) => expect(humanDuration(ms)).toBe(text));

test('a container that ended says how and when', () => {
  const now = Date.parse('2026-01-01T00:02:00Z');
  expect(statusText({ status: 'exited', exitCode: 3, startedAt: '', finishedAt: '2026-01-01T00:00:00Z' }, now)).toBe('Exited (3) 2 minutes ago');
  expect(statusText({ status: 'paused', exitCode: 0, startedAt: '2026-01-01T00:01:57Z', finishedAt: '' }, now)).toBe('Up 3 seconds (Paused)');
});
