import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { dialFailure, type LogOutlet, MessageTooLong } from './log-outlet.js';

/** What nobody takes is lost: that is UDP's own, and what is sent is sent. What this host does not let go is not. */
export class UdpOutlet implements LogOutlet {
  private socket: Socket | undefined;

  constructor(
    private readonly host: string,
    private readonly port: number,
  ) {}

  async connect(): Promise<void> {
    if (this.socket) return;
    let socket: Socket | undefined;
    try {
      const { address, family } = await lookup(this.host);
      socket = createSocket(family === 6 ? 'udp6' : 'udp4');
      socket.connect(this.port, address);
      await once(socket, 'connect');
      // The other's host says that nobody is there: of a message that is on its way already.
      socket.on('error', () => undefined);
      this.socket = socket;
    } catch (error) {
      socket?.close(); // bound by its connect, and held by the loop
      throw dialFailure('udp', `${this.host}:${this.port}`, error);
    }
  }

  async send(message: Buffer): Promise<void> {
    await this.connect();
    // A refusal of the message before is told once, and this one did not leave.
    const failure = (await this.failureOf(message)) && (await this.failureOf(message));
    if (!failure || failure.code === 'ECONNREFUSED') return;
    if (failure.code === 'EMSGSIZE') throw new MessageTooLong(`a message of ${message.length} bytes is too long for UDP`, { cause: failure });
    // Of a network that came up, or was changed, the address is another one.
    this[Symbol.dispose]();
    throw failure;
  }

  [Symbol.dispose](): void {
    this.socket?.close();
    this.socket = undefined;
  }

  private failureOf(message: Buffer): Promise<NodeJS.ErrnoException | null> {
    return new Promise((resolve) => {
      if (this.socket) this.socket.send(message, resolve);
      else resolve(new Error(`the way to ${this.host}:${this.port} was closed`));
    });
  }
}
