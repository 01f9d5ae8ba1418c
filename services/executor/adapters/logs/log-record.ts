import type { LogRecord } from '../../domain/logs/log-record.js';

export interface LogFilter {
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** RFC 3339 or '': no limit. */
  readonly since: string;
  readonly until: string;
  readonly timestamps: boolean;
  readonly terminal: boolean;
  /** Before each line, with a blank. */
  readonly details?: string;
}

export function parseRecord(line: Buffer): LogRecord | undefined {
  try {
    const record = JSON.parse(line.toString()) as LogRecord; // Our own shim wrote it; a torn line after a crash does not parse, or is no record.
    return [record.log, record.stream, record.time].every((field) => typeof field === 'string') ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Times compare as text: all have nine digits and end in Z. */
export function isWanted(record: LogRecord, filter: LogFilter): boolean {
  if (!(record.stream === 'stderr' ? filter.stderr : filter.stdout)) return false;
  return (filter.since === '' || record.time >= filter.since) && !isPast(record, filter);
}

export const isPast = (record: LogRecord, filter: LogFilter): boolean => filter.until !== '' && record.time > filter.until;

/** The record as the Engine API's log stream has it: framed by stream, raw for terminals. */
export function logBytes(record: LogRecord, filter: LogFilter): Buffer {
  const text = Buffer.from(`${filter.timestamps ? `${record.time} ` : ''}${filter.details === undefined ? '' : `${filter.details} `}${record.log}`);
  return filter.terminal ? text : framed(record.stream === 'stderr' ? 2 : 1, text);
}

/** What went wrong once the stream has begun, in the frame that clients take for it (stdcopy's system errors). A terminal's stream has no place for it. */
export function failureBytes(message: string, filter: LogFilter): Buffer {
  return filter.terminal ? Buffer.alloc(0) : framed(3, Buffer.from(`Error grabbing logs: ${message}\n`));
}

function framed(stream: number, text: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(text.length, 4);
  return Buffer.concat([header, text]);
}
