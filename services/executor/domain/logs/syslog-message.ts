import type { SyslogReceiver } from '#contracts/executor/tasks.js';
import type { LogRecord } from './log-record.js';

/** What a message says of its sender. */
export interface SyslogSender {
  readonly hostname: string;
  readonly pid: number;
}

const SEVERITY = { stdout: 6, stderr: 3 } as const;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * One line in the form that dockerd's syslog driver gives it, with what ends it on its way: a newline, and over TLS in RFC 5424's form the length before it (RFC 5425).
 * Undefined for an empty line, which dockerd does not send. The time is the line's own, in the host's zone.
 */
export function syslogMessage(record: LogRecord, { facility, format, tag, address }: SyslogReceiver, sender: SyslogSender): Buffer | undefined {
  const text = record.log.endsWith('\n') ? record.log.slice(0, -1) : record.log;
  if (text === '') return undefined;
  const message = `<${facility * 8 + SEVERITY[record.stream]}>${headed(record.time, format, tag, sender)}${text}\n`;
  const isCounted = address.startsWith('tcp+tls:') && (format === 'rfc5424' || format === 'rfc5424micro');
  return Buffer.from(isCounted ? `${Buffer.byteLength(message)} ${message}` : message);
}

function headed(time: string, format: SyslogReceiver['format'], tag: string, { hostname, pid }: SyslogSender): string {
  switch (format) {
    case 'local':
      return `${stamp(time)} ${tag}[${pid}]: `;
    case 'rfc3164':
      return `${stamp(time)} ${hostname} ${tag}[${pid}]: `;
    case 'rfc5424':
      return `1 ${local(time)}${zone(time)} ${hostname} ${tag} ${pid} ${tag} - `;
    case 'rfc5424micro':
      return `1 ${local(time)}.${time.slice(20, 26)}${zone(time)} ${hostname} ${tag} ${pid} ${tag} - `;
  }
}

const two = (number: number): string => String(number).padStart(2, '0');
const dateOf = (time: string): Date => new Date(`${time.slice(0, 23)}Z`);
const clock = (date: Date): string => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;

/** "Jan  2 15:04:05" */
function stamp(time: string): string {
  const date = dateOf(time);
  return `${MONTHS[date.getMonth()]} ${String(date.getDate()).padStart(2)} ${clock(date)}`;
}

/** "2006-01-02T15:04:05" */
function local(time: string): string {
  const date = dateOf(time);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${clock(date)}`;
}

/** "Z" or "+01:00" */
function zone(time: string): string {
  const minutes = -dateOf(time).getTimezoneOffset();
  if (minutes === 0) return 'Z';
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${minutes < 0 ? '-' : '+'}${two(hours)}:${two(rest)}`;
}
