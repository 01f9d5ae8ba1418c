import { expect, test } from 'vitest';
import { journalEntry } from './journal-entry.js';

const time = '2026-01-02T15:04:05.123456789Z';
const fields = { CONTAINER_NAME: 'web', SYSLOG_IDENTIFIER: 'web' };

test('an entry has its message, its priority and the container\'s fields', () => {
  expect(journalEntry({ log: 'out\n', stream: 'stdout', time }, { type: 'journald', fields }).toString()).toBe(`PRIORITY=6\nMESSAGE=out\nSYSLOG_TIMESTAMP=${time}\nCONTAINER_NAME=web\nSYSLOG_IDENTIFIER=web\n`);
  expect(journalEntry({ log: '\n', stream: 'stderr', time }, { type: 'journald', fields: {} }).toString()).toBe(`PRIORITY=3\nMESSAGE=\nSYSLOG_TIMESTAMP=${time}\n`);
});
test.each([
  ['piece', false, 'CONTAINER_PARTIAL_LAST=false\nCONTAINER_PARTIAL_MESSAGE=true\n'],
  ['piece\n', true, 'CONTAINER_PARTIAL_LAST=true\n'],
])('a piece of a line says which: %j', (log, isLast, last) => {
  const entry = journalEntry({ log, stream: 'stdout', time }, { type: 'journald', fields: {} }, { id: 'abc', ordinal: 2, isLast, time: 'first' });
  expect(entry.toString()).toBe(`PRIORITY=6\nMESSAGE=piece\nSYSLOG_TIMESTAMP=first\nCONTAINER_PARTIAL_ID=abc\nCONTAINER_PARTIAL_ORDINAL=2\n${last}`);
});
test('a value of several lines cannot pass for further fields', () => {
  const entry = journalEntry({ log: 'out\n', stream: 'stdout', time }, { type: 'journald', fields: { LABEL: 'a\n_UID=0' } });
  expect(entry.subarray(entry.indexOf('LABEL'))).toEqual(Buffer.from('LABEL\n\x08\0\0\0\0\0\0\0a\n_UID=0\n'));
});
