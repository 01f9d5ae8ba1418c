import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SyslogReceiver } from '#contracts/executor/tasks.js';
import type { LogRecord } from './log-record.js';
import { syslogMessage } from './syslog-message.js';

const zone = process.env['TZ'];
beforeEach(() => (process.env['TZ'] = 'UTC'));
afterEach(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

const record = (log: string, stream: 'stdout' | 'stderr' = 'stdout'): LogRecord => ({ log, stream, time: '2026-01-02T15:04:05.123456789Z' });
const message = (of: LogRecord, more: Partial<SyslogReceiver> = {}): string | undefined =>
  syslogMessage(of, { type: 'syslog', address: 'udp://h:514', facility: 19, format: 'local', tag: 'web/docker', tls: { skipVerify: false }, ...more }, { hostname: 'vm', pid: 42 })?.toString();

test('each format is as dockerd writes it', () => {
  expect(message(record('out\n'))).toBe('<158>Jan  2 15:04:05 web/docker[42]: out\n');
  expect(message(record('err\n', 'stderr'), { format: 'rfc3164' })).toBe('<155>Jan  2 15:04:05 vm web/docker[42]: err\n');
  expect(message(record('a\tb\n'), { format: 'rfc5424' })).toBe('<158>1 2026-01-02T15:04:05Z vm web/docker 42 web/docker - a\tb\n');
  expect(message(record('out\n'), { format: 'rfc5424micro', facility: 0 })).toBe('<6>1 2026-01-02T15:04:05.123456Z vm web/docker 42 web/docker - out\n');
});
test('times are the host\'s', () => {
  process.env['TZ'] = 'America/St_Johns';
  expect(message(record('x'))).toContain('>Jan  2 11:34:05 ');
  expect(message(record('x'), { format: 'rfc5424' })).toContain('1 2026-01-02T11:34:05-03:30 ');
});
test('over TLS the length of RFC 5424\'s form comes first, in bytes', () => {
  const plain = message(record('\u00e4\n'), { format: 'rfc5424' }) ?? '';
  expect(message(record('\u00e4\n'), { format: 'rfc5424', address: 'tcp+tls://h:514' })).toBe(`${plain.length + 1} ${plain}`);
  expect(message(record('x\n'), { address: 'tcp+tls://h:514' })).toBe(message(record('x\n')));
});
test('an empty line is not sent', () => expect([message(record('\n')), message(record(''))]).toEqual([undefined, undefined]));
test('a piece of a long line is a message', () => expect(message(record('piece'))).toMatch(/piece\n$/));
