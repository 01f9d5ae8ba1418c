import { sourceStack } from './source-stack.js';
import { isSecretName, withoutSecrets } from './without-secrets.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a record may say beside its message: plain values, no objects, so that nothing slips in unseen. */
export interface LogFields {
  readonly correlationId?: string | undefined;
  readonly container?: string | undefined;
  /** Its text becomes `error`, its stack `stack`. */
  readonly error?: unknown;
  readonly [name: string]: unknown;
}

export interface LogRecord {
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly level: LogLevel;
  readonly service: string;
  readonly message: string;
  readonly trace_id?: string;
  readonly span_id?: string;
  readonly correlation_id?: string;
  readonly container_id?: string;
  readonly [name: string]: unknown;
}

type Ids = Pick<LogRecord, 'trace_id' | 'span_id'>;

export function logRecord(time: Date, level: LogLevel, service: string, message: string, ids: Ids, { correlationId, container, error, ...fields }: LogFields): LogRecord {
  return {
    time: time.toISOString(),
    level,
    service,
    message: withoutSecrets(message),
    ...ids,
    ...(correlationId === undefined ? {} : { correlation_id: correlationId }),
    ...(container === undefined ? {} : { container_id: container }),
    ...Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, shown(name, value)]]))),
    ...(error === undefined ? {} : errorFields(error)),
  };
}

/** For a person at a terminal. */
export function prettyRecord({ time, level, service, message, stack, ...rest }: LogRecord): string {
  const details = Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`);
  const line = [time.slice(11, 23), level.toUpperCase().padEnd(5), service, message, ...details].join(' ');
  return stack === undefined ? line : `${line}\n${String(stack)}`;
}

function errorFields(error: unknown): { readonly error: string; readonly stack?: string } {
  if (!(error instanceof Error)) return { error: withoutSecrets(sourceStack(String(error))) };
  return { error: withoutSecrets(error.message), ...(error.stack === undefined ? {} : { stack: withoutSecrets(sourceStack(error.stack)) }) };
}

function shown(name: string, value: unknown): string | number | boolean {
  if (isSecretName(name)) return '***';
  return typeof value === 'number' || typeof value === 'boolean' ? value : withoutSecrets(String(value));
}
