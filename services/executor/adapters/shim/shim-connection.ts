import { connect, type Socket } from 'node:net';
import { unavailable } from '#libs/errors/errors.js';
import { decodeEvent, frame, HELLO, type ShimEvent } from './shim-frames.js';

const CONNECT_DEADLINE_MS = 5_000;

/** The control connection to one shim. It tells its state on connecting, then what happens; what is sent needs no answer, since events tell how it went. */
export class ShimConnection {
  private received: Buffer = Buffer.alloc(0);

  private constructor(
    private readonly socket: Socket,
    private readonly onEvent: (event: ShimEvent) => void,
    onClose: () => void,
  ) {
    socket.on('data', (bytes: Buffer) => this.read(bytes));
    socket.on('error', () => undefined);
    socket.on('close', onClose);
  }

  /** Rejects (unavailable) when no shim listens there, or a stopped one does not take the connection in time. */
  static async open(path: string, onEvent: (event: ShimEvent) => void, onClose: () => void): Promise<ShimConnection> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no answer in time')), CONNECT_DEADLINE_MS);
      socket.once('connect', () => (clearTimeout(timer), resolve()));
      socket.once('error', (error) => (clearTimeout(timer), reject(error)));
    }).catch((error: Error) => {
      socket.destroy();
      throw unavailable(`the shim at ${path} cannot be reached: ${error.message}`, error);
    });
    const connection = new ShimConnection(socket, onEvent, onClose);
    connection.send(frame(HELLO));
    return connection;
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  close(): void {
    this.socket.end();
  }

  private read(bytes: Buffer): void {
    this.received = this.received.length === 0 ? bytes : Buffer.concat([this.received, bytes]);
    while (this.received.length >= 5) {
      const length = this.received.readUInt32LE(0);
      if (this.received.length < 4 + length) return;
      const event = decodeEvent(this.received.readUInt8(4), this.received.subarray(5, 4 + length));
      this.received = this.received.subarray(4 + length);
      if (event) this.onEvent(event);
    }
  }
}
