/** What Go's package net says of a connection that cannot be had: clients of dockerd look for these words before they try again. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  ECONNRESET: 'read: connection reset by peer',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'connect: connection timed out',
};

/** What Go's package crypto/tls says of what the other end tells at its end of a connection, by numbers (RFC 8446, Alert Protocol). */
const ALERTS: Readonly<Record<number, string>> = {
  10: 'unexpected message', 20: 'bad record MAC', 22: 'record overflow', 40: 'handshake failure', 42: 'bad certificate', 43: 'unsupported certificate', 44: 'revoked certificate', 45: 'expired certificate',
  46: 'unknown certificate', 47: 'illegal parameter', 48: 'unknown certificate authority', 49: 'access denied', 50: 'error decoding message', 51: 'error decrypting message', 70: 'protocol version not supported',
  71: 'insufficient security level', 80: 'internal error', 86: 'inappropriate fallback', 90: 'user canceled', 109: 'missing extension', 110: 'unsupported extension', 112: 'unrecognized name',
  113: 'bad certificate status response', 115: 'unknown PSK identity', 116: 'certificate required', 120: 'no application protocol',
};

/** What it says of a certificate that is not believed, by OpenSSL's codes. */
const UNBELIEVED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'].map((code) => [code, 'certificate signed by unknown authority'])),
  CERT_HAS_EXPIRED: 'certificate has expired or is not yet valid',
  CERT_NOT_YET_VALID: 'certificate has expired or is not yet valid',
};

/** As Go tells it, where it is such a thing; else as Node does. */
export function networkWords(error: unknown): string {
  const { code = '', message = '', hostname, address, port } = firstOf(error) as NodeJS.ErrnoException & { readonly hostname?: string; readonly address?: string; readonly port?: number };
  if (hostname !== undefined && (code === 'ENOTFOUND' || code === 'EAI_NONAME')) return `dial tcp: lookup ${hostname}: no such host`;
  if (hostname !== undefined && code === 'EAI_AGAIN') return `dial tcp: lookup ${hostname}: Temporary failure in name resolution`;
  const alert = /SSL alert number (\d+)/.exec(message)?.[1];
  if (alert !== undefined) return `remote error: tls: ${ALERTS[Number(alert)] ?? `alert(${alert})`}`;
  const unbelieved = UNBELIEVED[code];
  if (unbelieved !== undefined) return `tls: failed to verify certificate: x509: ${unbelieved}`;
  const words = WORDS[code];
  if (words === undefined) return message || code || String(error);
  return address === undefined || port === undefined ? words : `dial tcp ${address.includes(':') ? `[${address}]` : address}:${port}: ${words}`;
}

/** Of a host with several addresses each is tried. */
const firstOf = (error: unknown): object => (error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error instanceof Error ? error : {});
