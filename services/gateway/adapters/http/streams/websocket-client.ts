import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { unavailable } from '#libs/errors/errors.js';
import { Unframed } from '../../../domain/docker/stream-frames.js';
import { whenGone } from './when-gone.js';

/** What a client may send in one message: no more is held of it at a time. */
const MESSAGE_LIMIT_BYTES = 1 << 20;

export interface MessageShape {
  /** What is sent is in Docker's frames, which a web socket's client does not get. */
  readonly framed: boolean;
  /** False: as text, which clients before API 1.28 read. */
  readonly binary: boolean;
}

/** Answers a web socket's handshake (RFC 6455). What is no handshake is answered 400; then, and when the client leaves, it rejects. */
export async function acceptWebSocket(request: IncomingMessage, client: Duplex, shape: MessageShape): Promise<Duplex> {
  // Few clients come this way: not loaded before the first does.
  const { WebSocketServer } = await import('ws');
  const server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: MESSAGE_LIMIT_BYTES });
  return new Promise((resolve, reject) => {
    whenGone(client, () => reject(unavailable('the client went away')));
    server.handleUpgrade(request, client, Buffer.alloc(0), (socket) => resolve(new WebSocketClient(socket, shape)));
  });
}

/** A web socket as a byte stream: what is written goes out in messages, what comes in messages is read. */
class WebSocketClient extends Duplex {
  private readonly frames: Unframed | undefined;

  constructor(
    private readonly socket: WebSocket,
    private readonly shape: MessageShape,
  ) {
    super({ allowHalfOpen: false }); // a web socket that is closed is so both ways
    this.frames = shape.framed ? new Unframed() : undefined;
    socket.on('message', (message: RawData) => {
      if (!this.push(bytesOf(message))) socket.pause();
    });
    socket.on('close', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
  }

  override _read(): void {
    if (this.socket.isPaused) this.socket.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const messages = this.frames?.take(bytes) ?? [bytes];
    if (messages.length === 0) return done();
    messages.forEach((message, at) => this.socket.send(message, { binary: this.shape.binary }, at === messages.length - 1 ? done : undefined));
  }

  override _final(done: (error?: Error | null) => void): void {
    this.socket.close(1000);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.terminate();
    done(error);
  }
}

function bytesOf(message: RawData): Buffer {
  return Array.isArray(message) ? Buffer.concat(message) : Buffer.isBuffer(message) ? message : Buffer.from(message);
}
