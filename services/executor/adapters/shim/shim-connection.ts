import type { Socket } from 'node:net';
import { BerthError, unavailable } from '#libs/errors/errors.js';
import { connectUnix } from '#libs/linux/connect-unix.js';
import { peerCredentials } from '#libs/linux/processes.js';
import { decodeEvent, frame, HELLO, PING, type ShimEvent } from './shim-frames.js';

const CONNECT_DEADLINE_MS = 5_000;
/** A shim that lives answers at once; one that is stopped must not hold up the others. */
const STATE_DEADLINE_MS = 2_000;

/** Nobody is behind the socket any more, or there is none: the shim has ended, whatever it was doing. */
export class ShimGone extends BerthError {
  constructor(path: string, cause: Error) {
    super('unavailable', `there is no shim at ${path}`, { cause });
  }
}

/** The control connection to one shim. It tells its state on connecting, then what happens; what is sent needs no answer, since events tell how it went. */
export class ShimConnection {
  private received: Buffer = Buffer.alloc(0);
  private readonly stateTold = Promise.withResolvers<boolean>();
  /** Of those who have asked and are not answered, in order. */
  private readonly pings: (() => void)[] = [];

  private constructor(
    private readonly socket: Socket,
    private readonly onEvent: (event: ShimEvent) => void,
    onClose: () => void,
  ) {
    socket.on('data', (bytes: Buffer) => this.read(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.stateTold.resolve(false);
      for (const answered of this.pings.splice(0)) answered();
      onClose();
    });
  }

  /** Rejects with ShimGone when no shim is there; as unavailable when a stopped one does not take the connection in time. */
  static async open(path: string, onEvent: (event: ShimEvent) => void, onClose: () => void): Promise<ShimConnection> {
    const socket = connectUnix(path);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no answer in time')), CONNECT_DEADLINE_MS);
      socket.once('connect', () => (clearTimeout(timer), resolve()));
      socket.once('error', (error) => (clearTimeout(timer), reject(error)));
    }).catch((error: NodeJS.ErrnoException) => {
      socket.destroy();
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') throw new ShimGone(path, error);
      throw unavailable(`the shim at ${path} cannot be reached: ${error.message}`, error);
    });
    const connection = new ShimConnection(socket, onEvent, onClose);
    connection.send(frame(HELLO));
    connection.ping(() => connection.stateTold.resolve(true));
    return connection;
  }

  /** Resolves once the shim has told how all its processes stand, at the latest after 2 s: a stopped one tells it later. False: it has closed the connection before. */
  async state(): Promise<boolean> {
    const timer = setTimeout(() => this.stateTold.resolve(true), STATE_DEADLINE_MS);
    const isThere = await this.stateTold.promise;
    clearTimeout(timer);
    return isThere;
  }

  /** Resolves once the shim has done what it was sent before, at the latest after 2 s: a stopped one does it later. */
  async caughtUp(): Promise<void> {
    const answered = Promise.withResolvers<void>();
    const timer = setTimeout(answered.resolve, STATE_DEADLINE_MS);
    this.ping(answered.resolve);
    await answered.promise;
    clearTimeout(timer);
  }

  /** The process that listened when this was connected: by now the pid may be another's. */
  get shimPid(): number | undefined {
    const fd = (this.socket as unknown as { readonly _handle: { readonly fd: number } | null })._handle?.fd; // Node gives no other way to a socket's descriptor
    // Of who listens: SO_PEERCRED of a connected stream, see unix(7).
    return fd === undefined || fd < 0 ? undefined : peerCredentials(fd).pid;
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  close(): void {
    this.socket.end();
  }

  private ping(answered: () => void): void {
    this.pings.push(answered);
    this.send(frame(PING));
  }

  private read(bytes: Buffer): void {
    this.received = this.received.length === 0 ? bytes : Buffer.concat([this.received, bytes]);
    while (this.received.length >= 5) {
      const length = this.received.readUInt32LE(0);
      if (this.received.length < 4 + length) return;
      const event = decodeEvent(this.received.readUInt8(4), this.received.subarray(5, 4 + length));
      this.received = this.received.subarray(4 + length);
      if (event?.type === 'pong') this.pings.shift()?.();
      else if (event) this.onEvent(event);
    }
  }
}
