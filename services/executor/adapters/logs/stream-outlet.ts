import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { SyslogReceiver } from '#contracts/executor/tasks.js';
import { errorMessage } from '#libs/errors/errors.js';
import { dialFailure, type LogOutlet } from './log-outlet.js';

const CONNECT_MS = 10_000;

/** Where to, as Go names networks and addresses; `ready`: the event after which it can be written to. */
export interface Dialled {
  readonly network: 'unix' | 'tcp';
  readonly address: string;
  readonly ready: 'connect' | 'secureConnect';
  readonly dial: () => Socket;
}

export const unixStream = (path: string): Dialled => ({ network: 'unix', address: path, ready: 'connect', dial: () => connect(path) });
export const tcpStream = (host: string, port: number): Dialled => ({ network: 'tcp', address: `${host}:${port}`, ready: 'connect', dial: () => connect(port, host) });

/** Throws when a file of the certificates cannot be read. */
export function tlsStream(host: string, port: number, { ca, cert, key, skipVerify }: SyslogReceiver['tls']): Dialled {
  const options = {
    ...(ca === undefined ? {} : { ca: pem('could not read CA certificate', ca) }),
    ...(cert === undefined ? {} : { cert: pem('could not read X509 certificate', cert) }),
    ...(key === undefined ? {} : { key: pem('could not read X509 key', key) }),
    rejectUnauthorized: !skipVerify,
  };
  return { network: 'tcp', address: `${host}:${port}`, ready: 'secureConnect', dial: () => connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...options }) };
}

function pem(failure: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`${failure} ${JSON.stringify(path)}: ${errorMessage(error)}`, { cause: error });
  }
}

/** A connection. What was written when it broke may be lost, since syslog acknowledges nothing. */
export class StreamOutlet implements LogOutlet {
  private socket: Socket | undefined;
  private isWriting = false;
  private readonly closing = new AbortController();

  constructor(private readonly to: Dialled) {}

  async connect(): Promise<void> {
    if (this.socket) return;
    const socket = this.to.dial();
    try {
      await once(socket, this.to.ready, { signal: AbortSignal.any([AbortSignal.timeout(CONNECT_MS), this.closing.signal]) });
    } catch (error) {
      socket.destroy();
      throw dialFailure(this.to.network, this.to.address, error);
    }
    // A write rejects on an error, too. What the receiver says is nothing to us, but its end is.
    socket.on('error', () => undefined).on('close', () => this.forget(socket)).resume();
    this.socket = socket;
  }

  async send(message: Buffer): Promise<void> {
    await this.connect();
    this.isWriting = true;
    try {
      await this.write(message);
    } finally {
      this.isWriting = false;
    }
  }

  /** What is written gets there; who does not read is not waited for. */
  [Symbol.dispose](): void {
    const { socket } = this;
    this.socket = undefined;
    this.closing.abort();
    if (this.isWriting) socket?.destroy();
    else socket?.end(() => socket.destroy());
  }

  private write(message: Buffer): Promise<void> {
    const { socket } = this;
    return new Promise((resolve, reject) => {
      const lost = (): void => reject(new Error(`the connection to ${this.to.address} is closed`));
      if (!socket) return lost();
      socket.once('close', lost);
      socket.write(message, (error) => {
        socket.off('close', lost);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  private forget(socket: Socket): void {
    if (this.socket === socket) this.socket = undefined;
  }
}
