import { closeSync } from 'node:fs';
import type { Fd } from './native.js';
import { native } from './native.js';
import { checked } from './system-call-error.js';

const EAGAIN = 11;

/** A datagram socket of unix(7), connected to another by its path. Node has none. Close it. */
export class UnixDatagram implements Disposable {
  readonly #fd: Fd;
  #open = true;

  /** Throws SystemCallError when nobody is bound there. */
  constructor(private readonly path: string) {
    this.#fd = checked('connect', native.connectUnixDatagram(path), { path });
  }

  /** False: the receiver's queue is full. Throws SystemCallError: ECONNREFUSED once the receiver is gone. */
  send(bytes: Uint8Array): boolean {
    const sent = native.sendDatagram(this.#fd, bytes);
    if (sent === -EAGAIN) return false;
    checked('send', sent, { path: this.path });
    return true;
  }

  /** A second call changes nothing. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }
}
