import { randomBytes } from 'node:crypto';
import { chown, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { StreamEndpoint } from '#contracts/request.js';
import { listenAtPath } from '#libs/linux/unix-socket.js';
import { readString, answerFrame, ACCEPTED, ATTACH, REFUSED } from './stream-frame.js';
import { firstFrame } from './first-frame.js';

const TICKET_LIFETIME_MS = 30_000;

type Serve = (socket: Socket) => void | Promise<void>;

/**
 * A service's side of the data plane: byte streams that commands speak of by a ticket. A ticket works once and for 30 s; the socket is
 * 0660, so only the engine's own user and root may knock.
 */
export class StreamServer {
  private readonly offers = new Map<string, { readonly serve: Serve; readonly expiry: NodeJS.Timeout }>();
  private readonly open = new Set<Socket>();
  private readonly server: Server;

  constructor(readonly path: string) {
    this.server = createServer({ allowHalfOpen: true }, (socket) => void this.welcome(socket));
  }

  async listen(): Promise<void> {
    await rm(this.path, { force: true });
    await new Promise<void>((resolve, reject) => {
      listenAtPath(this.server.once('error', reject), this.path, resolve);
    });
  }

  /** Lets a group knock, too: the services of one engine run under it. */
  async giveTo(group: number): Promise<void> {
    await chown(this.path, process.getuid?.() ?? 0, group);
  }

  /** `serve` gets the raw stream of whoever comes with the ticket first, and ends it. A throw destroys it. */
  offer(serve: Serve): StreamEndpoint {
    const ticket = randomBytes(16).toString('hex');
    const expiry = setTimeout(() => this.offers.delete(ticket), TICKET_LIFETIME_MS).unref();
    this.offers.set(ticket, { serve, expiry });
    return { path: this.path, ticket };
  }

  /** One way, and told from one that was cut off (`openWhole`): all was sent once `send` resolves. It does not end what it gets. */
  offerWhole(send: (out: Socket) => Promise<void>): StreamEndpoint {
    return this.offer(async (socket) => {
      // Nothing comes this way but a reader's goodbye.
      socket.resume().once('end', () => socket.destroy());
      await send(socket);
      socket.end();
    });
  }

  async close(): Promise<void> {
    for (const offer of this.offers.values()) clearTimeout(offer.expiry);
    this.offers.clear();
    for (const socket of this.open) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private async welcome(socket: Socket): Promise<void> {
    this.open.add(socket);
    socket.on('close', () => this.open.delete(socket));
    socket.on('error', () => socket.destroy());
    try {
      const frame = await firstFrame(socket, 5_000);
      const ticket = frame.type === ATTACH ? readString(frame.payload) : '';
      const offer = this.offers.get(ticket);
      if (!offer) {
        socket.end(answerFrame(REFUSED));
        return;
      }
      this.offers.delete(ticket);
      clearTimeout(offer.expiry);
      socket.write(answerFrame(ACCEPTED));
      await offer.serve(socket);
    } catch {
      socket.destroy();
    }
  }
}
