import type { JournalReceiver } from '#contracts/executor/tasks.js';
import type { LogRecord } from './log-record.js';

const PRIORITY = { stdout: '6', stderr: '3' } as const;

/** One line in the journal's native protocol (systemd, "Native Journal Protocol"), with the fields of dockerd's journald driver. */
export function journalEntry(record: LogRecord, { fields }: JournalReceiver): Buffer {
  const isPartial = !record.log.endsWith('\n');
  const all = {
    PRIORITY: PRIORITY[record.stream],
    MESSAGE: isPartial ? record.log : record.log.slice(0, -1),
    SYSLOG_TIMESTAMP: record.time,
    ...fields,
    ...(isPartial ? { CONTAINER_PARTIAL_MESSAGE: 'true' } : {}),
  };
  return Buffer.concat(Object.entries(all).map(([name, value]) => field(name, value)));
}

/** A value of more than one line has its length before it. */
function field(name: string, value: string): Buffer {
  if (!value.includes('\n')) return Buffer.from(`${name}=${value}\n`);
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n')]);
}
