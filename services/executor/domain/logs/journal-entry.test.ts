import { expect, test } from 'vitest';
import { journalEntry } from './journal-entry.js';

const time = '2026-01-02T15:04:05.123456789Z';
const fields = { CONTAINER_NAME: 'web', SYSLOG_IDENTIFIER: 'web' };

test('an entry has its message, its priority and the container\'s fields', () => {
  expect(journalEntry({ log: 'out\n', stream: 'stdout', time }, { type: 'journald', fields }).toString()).toBe(`CONTAINER_NAME=web\nSYSLOG_IDENTIFIER=web\nPRIORITY=6\nMESSAGE=out\nSYSLOG_TIMESTAMP=${time}\n`);
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
  expect(entry.subarray(0, entry.indexOf('PRIORITY'))).toEqual(Buffer.from('LABEL\n\x08\0\0\0\0\0\0\0a\n_UID=0\n'));
});
test('what is the line\'s own is not taken from a label or a variable of its name', () => {
  const named = { MESSAGE: 'of a label', PRIORITY: '0', SYSLOG_TIMESTAMP: 'never', CONTAINER_PARTIAL_LAST: 'maybe' };
  const entry = journalEntry({ log: 'out', stream: 'stderr', time }, { type: 'journald', fields: named }, { id: 'abc', ordinal: 1, isLast: true, time });
  expect(entry.toString().split('\n').filter((field) => field.split('=')[0] in named)).toEqual(['MESSAGE=out', 'PRIORITY=3', `SYSLOG_TIMESTAMP=${time}`, 'CONTAINER_PARTIAL_LAST=true']);
});
