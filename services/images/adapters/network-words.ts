/** What Go's package net says of a connection that cannot be had: clients of dockerd look for these words before they try again. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  ECONNRESET: 'read: connection reset by peer',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'connect: connection timed out',
};

/** As Go tells it, where it is such a thing; else as Node does. */
export function networkWords(error: unknown): string {
  const { code = '', message = '', hostname, address, port } = firstOf(error) as NodeJS.ErrnoException & { readonly hostname?: string; readonly address?: string; readonly port?: number };
  if (hostname !== undefined && (code === 'ENOTFOUND' || code === 'EAI_NONAME')) return `dial tcp: lookup ${hostname}: no such host`;
  if (hostname !== undefined && code === 'EAI_AGAIN') return `dial tcp: lookup ${hostname}: Temporary failure in name resolution`;
  const words = WORDS[code];
  if (words === undefined) return message || code || String(error);
  return address === undefined || port === undefined ? words : `dial tcp ${address.includes(':') ? `[${address}]` : address}:${port}: ${words}`;
}

/** Of a host with several addresses each is tried. */
const firstOf = (error: unknown): object => (error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error instanceof Error ? error : {});
