import type { LoggerService } from '@nestjs/common';
import type { LogLevel } from './log-record.js';
import { logger, setLogLevel } from './logger.js';

/** From here on what Node itself would print, warnings and what nobody caught, are records too. The latter end the process, as they always do. */
export function startLogging(processName: string, level: LogLevel): void {
  setLogLevel(level);
  const log = logger(processName);
  process.stderr.on('error', () => undefined); // a full disk loses records, and no process: whoever makes room asks these
  process.removeAllListeners('warning'); // Node's own, which prints
  process.on('warning', (warning) => log.warn(warning.message, { kind: warning.name }));
  process.on('uncaughtException', (error) => {
    log.error('nobody caught an error: the process ends', { error });
    process.exit(1);
  });
}

/** What Nest says of itself, as records; what it merely tells of its start is for debugging. */
export function nestLogger(service: string): LoggerService {
  const log = logger(service);
  const said = (message: unknown, rest: readonly unknown[]) => {
    const [context] = rest.slice(-1); // Nest's convention: the context comes last, a stack before it
    const error = message instanceof Error ? message : rest.length > 1 && typeof rest[0] === 'string' ? rest[0] : undefined;
    return [message instanceof Error ? message.message : String(message), { ...(typeof context === 'string' ? { component: context } : {}), ...(error === undefined ? {} : { error }) }] as const;
  };
  return {
    log: (message: unknown, ...rest: unknown[]) => log.debug(...said(message, rest)),
    debug: (message: unknown, ...rest: unknown[]) => log.debug(...said(message, rest)),
    verbose: (message: unknown, ...rest: unknown[]) => log.debug(...said(message, rest)),
    warn: (message: unknown, ...rest: unknown[]) => log.warn(...said(message, rest)),
    error: (message: unknown, ...rest: unknown[]) => log.error(...said(message, rest)),
    fatal: (message: unknown, ...rest: unknown[]) => log.error(...said(message, rest)),
  };
}
