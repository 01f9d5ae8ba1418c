import { DatagramOutlet } from './datagram-outlet.js';
import type { LogOutlet } from './log-outlet.js';
import { StreamOutlet, unixStream } from './stream-outlet.js';

/** Where syslogs of Unix systems listen, in the order in which they are tried. */
const PATHS = ['/dev/log', '/var/run/syslog', '/var/run/log'];

/** The host's own syslog, wherever it is. */
export class LocalSyslogOutlet implements LogOutlet {
  private found: LogOutlet | undefined;

  async connect(): Promise<void> {
    if (this.found) return this.found.connect();
    for (const path of PATHS)
      for (const outlet of [new DatagramOutlet(path), new StreamOutlet(unixStream(path))]) {
        try {
          await outlet.connect();
          this.found = outlet;
          return;
        } catch {
          outlet[Symbol.dispose](); // and the next is tried
        }
      }
    throw new Error('Unix syslog delivery error');
  }

  async send(message: Buffer): Promise<void> {
    try {
      await this.connect();
      await this.found?.send(message);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.found?.[Symbol.dispose]();
    this.found = undefined;
  }
}
