import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeWhole } from '#libs/linux/whole-file.js';
import { listenerUid, peerUid } from '#libs/nats/server-owner.js';

const HOST = '127.0.0.1';

/** Where nats-server answers, and the user that it runs as. */
export interface ServerPort {
  readonly port: number;
  readonly uid: number;
}

/**
 * nats-server writes no ready file of its own: this does, each time it answers at its port and the file is missing. `tell` is given what keeps it from its port, once.
 * Ends by `signal`.
 */
export async function tellWhenPortAnswers(server: ServerPort, readyFile: string, exists: (path: string) => boolean, tell: (trouble: string) => void, signal: AbortSignal): Promise<void> {
  let told: number | undefined;
  while (!signal.aborted) {
    if (!exists(readyFile)) {
      const found = await whoAnswers(server);
      if (found === 'the server') writeWhole(readyFile, '', { mode: 0o644 });
      const stranger = found === 'another' ? strangerAt(server) : undefined;
      if (stranger !== undefined && stranger !== told) tell(heldBy(stranger, server));
      told = stranger;
    }
    await sleep(exists(readyFile) ? 500 : 25, undefined, { signal }).catch(() => undefined);
  }
}

/** Throws where another user's process listens there: nats-server could not, and nobody may be spoken to. */
export function requirePort(server: ServerPort): void {
  const stranger = strangerAt(server);
  if (stranger !== undefined) throw new Error(`${heldBy(stranger, server)}: free it, or choose another with BERTH_NATS_PORT`);
}

function strangerAt({ port, uid }: ServerPort): number | undefined {
  const listener = listenerUid({ address: HOST, port });
  return listener === uid ? undefined : listener;
}

const heldBy = (stranger: number, { port, uid }: ServerPort): string => `port ${port} of ${HOST} is held by uid ${stranger}, not by nats-server (uid ${uid})`;

/** nats-server speaks first, with INFO. Whoever else does so is not it. */
function whoAnswers({ port, uid }: ServerPort): Promise<'the server' | 'another' | 'nobody'> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port });
    const end = (found: 'the server' | 'another' | 'nobody'): void => {
      socket.destroy();
      resolve(found);
    };
    socket.setTimeout(1_000, () => end('another'));
    socket.once('error', () => end('nobody'));
    socket.once('end', () => end('another'));
    socket.once('data', (bytes) => end(bytes.toString('latin1').startsWith('INFO ') && peerUid(socket) === uid ? 'the server' : 'another'));
  });
}
