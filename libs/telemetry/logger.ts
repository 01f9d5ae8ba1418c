import { LOG_LEVELS, type LogFields, type LogLevel, logRecord, prettyRecord } from './log-record.js';
import { currentSpan } from './tracing.js';

/** Says what happened, for operators: an error is either logged, by who can do nothing more with it, or passed on, never both. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

let least: LogLevel = 'info';

/** The level below which this process says nothing. */
export function setLogLevel(level: LogLevel): void {
  least = level;
}

/** One JSON line a record on stderr; readable lines where that is a terminal. */
export function logger(service: string): Logger {
  const at = (level: LogLevel) => (message: string, fields: LogFields = {}): void => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(least)) return;
    const span = currentSpan();
    const record = logRecord(new Date(), level, service, message, span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId }, fields);
    process.stderr.write(`${process.stderr.isTTY ? prettyRecord(record) : JSON.stringify(record)}\n`);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
