import { createSocket } from 'node:dgram';
import { createServer, isIPv4 } from 'node:net';
import { invalid, unclassified } from '#libs/errors/errors.js';
import { isAnyAddress, type PublishedPortRule } from './rule-set.js';

/** A socket that is bound; closing it is done at once. */
interface Bound {
  close(): unknown;
}

/** As Go's net package words them, which dockerd's errors end with. */
const BIND_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EACCES: 'permission denied',
};

/**
 * Published ports, held by a socket each: a port that a program of the host listens on is not taken from it unseen, and none takes it while the container runs. Nothing comes
 * in by these sockets: the firewall has sent it to the container before. SCTP ports are not held.
 */
export class HostPorts {
  private readonly held = new Map<string, Bound>();

  /** All or none. Held already: nothing to do. Rejects as dockerd does, in its words; `endpoint` is named in them. */
  async hold(rules: readonly PublishedPortRule[], endpoint: string): Promise<void> {
    const taken: PublishedPortRule[] = [];
    try {
      for (const rule of rules) {
        if (rule.protocol === 'sctp' || this.held.has(keyOf(rule))) continue;
        this.held.set(keyOf(rule), await bind(rule.protocol, rule));
        taken.push(rule);
      }
    } catch (error) {
      this.release(taken);
      throw unclassified(`driver failed programming external connectivity on endpoint ${endpoint}: ${(error as Error).message}`, error);
    }
  }

  /** What is not held changes nothing. */
  release(rules: readonly PublishedPortRule[]): void {
    for (const rule of rules) {
      this.held.get(keyOf(rule))?.close();
      this.held.delete(keyOf(rule));
    }
  }

  close(): void {
    for (const socket of this.held.values()) socket.close();
    this.held.clear();
  }
}

const addressOf = (rule: PublishedPortRule): string => (isAnyAddress(rule) ? '0.0.0.0' : (rule.hostAddress ?? ''));
const keyOf = (rule: PublishedPortRule): string => `${rule.protocol} ${addressOf(rule)}:${rule.hostPort}`;

function bind(protocol: 'tcp' | 'udp', rule: PublishedPortRule): Promise<Bound> {
  const { hostPort: port, containerAddress, containerPort } = rule;
  const address = addressOf(rule);
  // Node would ask the DNS what a name stands for.
  if (!isIPv4(address)) return Promise.reject(invalid(`"${address}" is not an IPv4 address`));
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(new Error(`failed to bind host port for ${address}:${port}:${containerAddress}:${containerPort}/${protocol}: ${BIND_ERRORS[error.code ?? ''] ?? error.message}`, { cause: error }));
    if (protocol === 'tcp') {
      // Somebody who has flushed the firewall's table gets here: as if nobody listened.
      const server = createServer((socket) => socket.destroy());
      server.once('error', fail).listen({ host: address, port, exclusive: true }, () => resolve(server.unref()));
    } else {
      const socket = createSocket('udp4').unref();
      socket.once('error', (error) => (socket.close(), fail(error))).bind({ address, port, exclusive: true }, () => resolve(socket));
    }
  });
}
