import { expect, test } from 'vitest';
import { goMode, pathStatHeader } from './path-stat-header.js';

test('modes are told as Go counts them', () => {
  expect(goMode(0o100644)).toBe(0o644);
  expect(goMode(0o040755)).toBe(2147484141);
  expect(goMode(0o120777)).toBe(134218239);
  expect(goMode(0o041777)).toBe(2 ** 31 + 2 ** 20 + 0o777);
  expect(goMode(0o104755)).toBe(2 ** 23 + 0o755);
  expect(goMode(0o020666)).toBe(69206454);
});

test('the header is JSON in base64', () => {
  const header = pathStatHeader({ name: 'x', sizeBytes: 3, mode: 0o100600, mtime: '2026-01-01T00:00:00Z', linkTarget: '' });
  expect(JSON.parse(Buffer.from(header, 'base64').toString())).toEqual({ name: 'x', size: 3, mode: 0o600, mtime: '2026-01-01T00:00:00Z', linkTarget: '' });
});
