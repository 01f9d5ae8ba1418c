/** A way to one who takes log messages. It connects when it has to, again after a loss too. Dispose of it. */
export interface LogOutlet extends Disposable {
  /** Rejects, in dockerd's words, when the other cannot be reached. One that is connected already changes nothing. */
  connect(): Promise<void>;
  /** Resolves once the kernel has the message. Rejects when it has not, or may not have: it can be sent again. One at a time. */
  send(message: Buffer): Promise<void>;
}

/** No second attempt gets it through. */
export class MessageTooLong extends Error {}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  ETIMEDOUT: 'connection timed out',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  EPROTOTYPE: 'protocol wrong type for socket',
};

/** What Go says of a connection that did not come about. */
export function dialFailure(network: string, address: string, error: unknown): Error {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return new Error(`dial ${network}: lookup ${address.replace(/:\d+$/, '')}: no such host`, { cause: error });
  const words = WORDS[code];
  return new Error(words === undefined ? `dial ${network} ${address}: ${message}` : `dial ${network} ${address}: connect: ${words}`, { cause: error });
}
