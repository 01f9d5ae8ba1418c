import { errorMessage } from '#libs/errors/errors.js';
import { logger } from '#libs/telemetry/logger.js';

/** What is read from files of the operator's: rejects where they are not what they should be, and what was read before stays in force. */
export interface Reloadable {
  reload(): Promise<void>;
}

/** Reads each again at SIGHUP, until `stop`, and tells in the engine's log what came of it. */
export function reloadOnHangup(parts: Readonly<Record<string, Reloadable>>): { stop(): void } {
  const log = logger('gateway');
  const onHangup = (): void => {
    for (const [name, part] of Object.entries(parts)) {
      part.reload().then(
        () => log.info(`read again: ${name}`),
        (error: unknown) => log.error(`not read again, what was there stays in force: ${errorMessage(error)}`, { name }),
      );
    }
  };
  process.on('SIGHUP', onHangup);
  return { stop: () => process.off('SIGHUP', onHangup) };
}
