import { errorMessage } from '#libs/errors/errors.js';
import type { Check } from '#libs/telemetry/health.js';
import type { JetStreamEventStore } from './jetstream-event-store.js';

/** Whether the log answers now. */
export const logAnswers = (store: JetStreamEventStore): Check => () => (store.isConnected ? undefined : 'the connection to the log is lost; it is tried again');

/** Whether all that this service folds still follows the log: what has broken stays broken until a restart. */
export const foldsFollow = (store: JetStreamEventStore): Check => () => (store.failure === undefined ? undefined : `a fold of the log has ended: ${errorMessage(store.failure)}`);
