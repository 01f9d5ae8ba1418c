import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { dialFailure, type LogOutlet } from './log-outlet.js';

/** What nobody takes is lost: that is UDP's own, and what is sent is sent. */
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
    if (!(await this.sent(message))) await this.sent(message);
  }

  [Symbol.dispose](): void {
    this.socket?.close();
    this.socket = undefined;
  }

  private sent(message: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.socket) this.socket.send(message, (error) => resolve(!error));
      else resolve(false);
    });
  }
}
