import { closeSync } from 'node:fs';
import type { Fd } from './native.js';
import { native } from './native.js';
import { checked, SystemCallError } from './system-call-error.js';

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

/** A netlink socket in network namespace `namespace`, -1 for the calling thread's own. Throws SystemCallError. */
export function netlinkSocket(protocol: number, namespace: Fd = -1): Fd {
  return checked('socket AF_NETLINK', native.netlinkSocket(protocol, namespace), { protocol, namespace });
}

/**
 * Sends one or more netlink messages in one datagram and blocks until each that asks for an ack or a dump is answered. Returns the replies' bytes, refusals
 * included. `atomic`: an nfnetlink batch, in which the first refusal ends the wait. Throws SystemCallError; EAGAIN after 2 s of silence.
 */
export function netlinkTransact(socket: Fd, request: Uint8Array, mode: 'each' | 'atomic' = 'each'): Buffer {
  const answer = native.netlinkTransact(socket, request, mode === 'atomic' ? 1 : 0);
  if (typeof answer === 'number') throw new SystemCallError('netlink', -answer, { socket });
  return answer;
}

/** The same on a thread of the pool, for what removes: the kernel waits 15 to 30 ms for its readers. The socket is nobody else's, and open, until then. */
export async function netlinkTransactAsync(socket: Fd, request: Uint8Array, mode: 'each' | 'atomic' = 'each'): Promise<Buffer> {
  const answer = await native.netlinkTransactAsync(socket, request, mode === 'atomic' ? 1 : 0);
  if (typeof answer === 'number') throw new SystemCallError('netlink', -answer, { socket });
  return answer;
}

/** A netlink socket with an owner: `using socket = new NetlinkSocket(...)`. */
export class NetlinkSocket implements Disposable {
  readonly #fd: Fd;
  #open = true;

  constructor(protocol: number, namespace: Fd = -1) {
    this.#fd = netlinkSocket(protocol, namespace);
  }

  transact(request: Uint8Array, mode: 'each' | 'atomic' = 'each'): Buffer {
    return netlinkTransact(this.#fd, request, mode);
  }

  transactAsync(request: Uint8Array, mode: 'each' | 'atomic' = 'each'): Promise<Buffer> {
    return netlinkTransactAsync(this.#fd, request, mode);
  }

  /** A second call changes nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
