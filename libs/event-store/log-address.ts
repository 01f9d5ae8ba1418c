import type { NatsConnection } from '@nats-io/transport-node';
import { errorMessage, unavailable } from '#libs/errors/errors.js';
import { connectNats } from '#libs/nats/connect-nats.js';

/** Where the log is, and as whom to ask for it. */
export interface LogAddress {
  readonly servers: string | readonly string[];
  readonly user?: string;
  readonly pass?: string;
  /** The user that the server must run as, where it is this engine's own. */
  readonly serverUid?: number;
  /** Where the server's answers go: a prefix that only this user may listen to. */
  readonly inboxPrefix?: string;
  readonly stream?: string;
  /** The connection's name, as the server shows it. */
  readonly name: string;
}

/** Rejects with `unavailable` when no server answers; once connected it reconnects for ever. */
export function openLog({ servers, user, pass, serverUid, inboxPrefix }: LogAddress, name: string): Promise<NatsConnection> {
  return connectNats({
    servers: typeof servers === 'string' ? servers : [...servers],
    name,
    ...(user === undefined ? {} : { user, pass: pass ?? '' }),
    ...(serverUid === undefined ? {} : { serverUid }),
    ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    timeout: 5_000,
    noAsyncTraces: true, // else each append makes an Error ahead, for its stack
  }).catch((error: unknown) => {
    throw unavailable(`the log at ${String(servers)} does not answer: ${errorMessage(error)}`, error);
  });
}
