import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { logLimitBytes, readLogLimit } from './log-limit.js';

const GIB = 2 ** 30;

test('the limit of the log is a number with a unit, and leaves room for a beginning', () => {
  expect(readLogLimit({ BERTH_LOG_LIMIT: '200GiB' })).toBe(200 * GIB);
  expect(readLogLimit({ BERTH_LOG_LIMIT: '2TiB' })).toBe(2048 * GIB);
  expect(readLogLimit({ BERTH_LOG_LIMIT: '64MiB' })).toBe(GIB / 16);
  expect(readLogLimit({ BERTH_LOG_LIMIT: '' })).toBeUndefined();
  for (const wrong of ['200', '10GB', '0GiB', '63MiB', '-1GiB', '1.5TiB', '1e3GiB']) expect(() => readLogLimit({ BERTH_LOG_LIMIT: wrong })).toThrow(`BERTH_LOG_LIMIT=${wrong}: `);
});

test('without a word it is half of the disk, and of a server of somebody else it is what was told', () => {
  const dataRoot = mkdtempSync(join(tmpdir(), 'berth-limit-'));
  mkdirSync(join(dataRoot, 'nats'));
  const { blocks, bsize } = statfsSync(dataRoot);
  const limit = logLimitBytes({ dataRoot, natsEmbedded: true }, {}) ?? 0;
  expect(Math.abs(limit - Math.max(GIB, (blocks * bsize) / 2))).toBeLessThan(2 ** 20);
  expect(logLimitBytes({ dataRoot, natsEmbedded: true }, { BERTH_LOG_LIMIT: '3GiB' })).toBe(3 * GIB);
  expect(logLimitBytes({ dataRoot, natsEmbedded: false }, { BERTH_LOG_LIMIT: '3GiB' })).toBe(3 * GIB);
  expect(logLimitBytes({ dataRoot, natsEmbedded: false }, {})).toBeUndefined();
  rmSync(dataRoot, { recursive: true });
});
