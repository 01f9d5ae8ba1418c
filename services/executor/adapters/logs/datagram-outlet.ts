import { setTimeout as delay } from 'node:timers/promises';
import { isErrno } from '#libs/linux/system-call-error.js';
import { UnixDatagram } from '#libs/linux/unix-datagram.js';
import { dialFailure, type LogOutlet, MessageTooLong } from './log-outlet.js';

const FULL_QUEUE_MS = 5;

/** A datagram socket of this host, as the journal's and that of most syslogs. */
export class DatagramOutlet implements LogOutlet {
  private socket: UnixDatagram | undefined;
  private closed = false;

  constructor(private readonly path: string) {}

  connect(): Promise<void> {
    try {
      this.socket ??= new UnixDatagram(this.path);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(dialFailure('unixgram', this.path, error));
    }
  }

  async send(message: Buffer): Promise<void> {
    await this.connect();
    try {
      while (!this.socket?.send(message)) {
        if (this.closed) throw new Error(`the way to ${this.path} was closed`);
        await delay(FULL_QUEUE_MS);
      }
    } catch (error) {
      if (isErrno(error, 'EMSGSIZE')) throw new MessageTooLong(`a message of ${message.length} bytes is too long for ${this.path}`, { cause: error });
      // The next receiver that binds there is another one.
      this.drop();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.closed = true;
    this.drop();
  }

  private drop(): void {
    this.socket?.[Symbol.dispose]();
    this.socket = undefined;
  }
}
