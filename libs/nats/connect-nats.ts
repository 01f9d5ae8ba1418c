import type { NatsConnection, NodeConnectionOptions, ServerInfo } from '@nats-io/transport-node';
import { errors, NatsConnectionImpl, setTransportFactory } from '@nats-io/transport-node';
import { NodeTransport, nodeResolveHost } from '@nats-io/transport-node/lib/node_transport.js';
import { logger } from '#libs/telemetry/logger.js';
import { peerUid } from './server-owner.js';

/** `serverUid`: who the server runs as, where it is this engine's own; nobody else's is spoken to. */
export type NatsOptions = NodeConnectionOptions & { readonly serverUid?: number };

const TELL_AGAIN_MS = 60_000;
let told = { uid: -1, at: 0 };

/**
 * The one way to NATS. Any user of this machine may bind a port of loopback while the server is away, and would be told our password, and give orders to the executor,
 * which is root. So before anything is sent, and before anything that came is looked at but the greeting, the socket at the other end must be `serverUid`'s. To whom
 * it is not, it is as if the server were away: the client goes on trying.
 */
export function connectNats(options: NatsOptions): Promise<NatsConnection> {
  // Nobody else may set it, since it is asked at each reconnection: test/architecture.
  setTransportFactory({ factory: () => new OwnedServerTransport(), dnsResolveFn: nodeResolveHost });
  return NatsConnectionImpl.connect(options as Parameters<typeof NatsConnectionImpl.connect>[0]);
}

class OwnedServerTransport extends NodeTransport {
  /** An `authenticator` that throws would close the connection for good, and messages that came with the greeting would have been handled. */
  override async peekInfo(): Promise<ServerInfo> {
    const info = await super.peekInfo();
    const { serverUid, name = 'nats' } = this.options as NatsOptions;
    if (serverUid !== undefined) this.requirePeer(serverUid, name);
    return info;
  }

  private requirePeer(serverUid: number, name: string): void {
    const uid = peerUid(this.socket);
    if (uid === serverUid) return;
    const port = this.socket.remotePort;
    const who = uid === undefined ? 'somebody who cannot be seen' : `uid ${uid}`;
    const trouble = `port ${port} of ${this.socket.remoteAddress} is held by ${who}, not by nats-server (uid ${serverUid}): nothing is sent there`;
    if (uid !== undefined) tell(uid, name, trouble);
    throw new errors.ConnectionError(trouble);
  }
}

/** All connections of this process try again several times a second. */
function tell(uid: number, name: string, trouble: string): void {
  if (told.uid === uid && performance.now() - told.at < TELL_AGAIN_MS) return;
  told = { uid, at: performance.now() };
  logger(name).error(trouble);
}
