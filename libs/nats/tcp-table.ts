/** One end of a TCP connection over IPv4. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** States of a socket in the table. */
const ESTABLISHED = '01';
const LISTEN = '0A';
/** Before an IPv4 address in a table of IPv6 sockets, which take both. */
const MAPPED = '0000000000000000FFFF0000';

/**
 * Reads /proc/net/tcp and tcp6 (proc_pid_net(5)): who holds the socket at `local` of the connection that `remote` is the other end of. It is who accepted it, and once
 * bytes have come from there somebody has. Undefined where there is none, or it is closed: the kernel then shows root, whoever had it.
 */
export function ownerOf(table: string, local: Endpoint, remote: Endpoint): number | undefined {
  for (const before of ['', MAPPED]) {
    const start = table.indexOf(` ${before}${hex(local)} ${before}${hex(remote)} ${ESTABLISHED} `);
    if (start >= 0) return uidIn(table.slice(start, table.indexOf('\n', start)));
  }
  return undefined;
}

/** The user whose socket listens there: at that address, or at all of this host's. */
export function listenerAt(table: string, { address, port }: Endpoint): number | undefined {
  const anywhere = hex({ address: '0.0.0.0', port });
  const places = [hex({ address, port }), anywhere, MAPPED + hex({ address, port }), '0'.repeat(MAPPED.length) + anywhere];
  for (const line of table.split('\n')) {
    const [, local = '', , state] = line.trim().split(/\s+/);
    if (state === LISTEN && places.includes(local)) return uidIn(line.slice(line.indexOf(local) - 1));
  }
  return undefined;
}

/** Of a line from its local address on. */
function uidIn(line: string): number | undefined {
  const uid = line.trim().split(/\s+/)[6];
  return uid !== undefined && /^\d+$/.test(uid) ? Number(uid) : undefined;
}

/** An address stands there as it lies in memory: little-endian on all machines that Berth runs on. Node 18 runs this, too, at set-up. */
function hex({ address, port }: Endpoint): string {
  const bytes = address.split('.').map(Number).reverse();
  return `${Buffer.from(bytes).toString('hex')}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
}
