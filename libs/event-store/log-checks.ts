import { errorMessage } from '#libs/errors/errors.js';
import type { Check } from '#libs/telemetry/health.js';
import type { JetStreamEventStore } from './jetstream-event-store.js';
import { syncWarning } from './server-checks.js';

/** How long an answer of a server's monitoring address counts. */
const SYNC_ASKED_AGAIN_MS = 60_000;

/** Whether the log answers now. */
export const logAnswers = (store: JetStreamEventStore): Check => () => (store.isConnected ? undefined : 'the connection to the log is lost; it is tried again');

/** Whether all that this service folds still follows the log: what has broken stays broken until a restart. */
export const foldsFollow = (store: JetStreamEventStore): Check => () => (store.failure === undefined ? undefined : `a fold of the log has ended: ${errorMessage(store.failure)}`);

/**
 * What is to be said of when a server that Berth did not configure writes to its disk (`syncWarning`), for people who ask whether all is well: it stops nobody.
 * Nobody waits for that server, either: it is asked in the background, now and later while somebody looks. `warn` is told once of each finding.
 */
export function commitsAreSynced(monitorUrl: string | undefined, warn: (warning: string) => void): Check {
  let found: string | undefined;
  let asked = 0;
  const look = (): void => {
    asked = performance.now();
    void syncWarning(monitorUrl).then((warning) => {
      if (warning !== undefined && warning !== found) warn(warning);
      found = warning;
    });
  };
  look();
  return () => {
    if (performance.now() - asked > SYNC_ASKED_AGAIN_MS) look();
    return found;
  };
}
