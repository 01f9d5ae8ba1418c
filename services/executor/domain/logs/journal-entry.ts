import type { JournalReceiver } from '#contracts/executor/tasks.js';
import type { LinePiece } from './line-pieces.js';
import type { LogRecord } from './log-record.js';

const PRIORITY = { stdout: '6', stderr: '3' } as const;

/** One line, or a piece of one, in the journal's native protocol (systemd, "Native Journal Protocol"), with the fields of dockerd's journald driver. A label or variable of the name of one that is the line's own does not take its place. */
export function journalEntry({ log, stream, time }: LogRecord, { fields }: JournalReceiver, piece?: LinePiece): Buffer {
  const all = {
    ...fields,
    PRIORITY: PRIORITY[stream],
    MESSAGE: log.endsWith('\n') ? log.slice(0, -1) : log,
    SYSLOG_TIMESTAMP: piece?.time ?? time,
    ...(piece ? { CONTAINER_PARTIAL_ID: piece.id, CONTAINER_PARTIAL_ORDINAL: String(piece.ordinal), CONTAINER_PARTIAL_LAST: String(piece.isLast) } : {}),
    ...(piece && !piece.isLast ? { CONTAINER_PARTIAL_MESSAGE: 'true' } : {}),
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
