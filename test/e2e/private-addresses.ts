import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** A TCP port of the loopback that nobody has now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}

/** A /24 of the addresses for benchmarks (RFC 2544, 198.18.0.0/15), which no real network and no other engine has, and no route of this machine. */
export function freeSubnet(): string {
  for (;;) {
    const third = randomInt(256);
    const second = 18 + randomInt(2);
    // /proc/net/route holds addresses as they lie in memory: little-endian on all machines that Berth runs on.
    const destination = [0, third, second, 198].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join('');
    if (!readFileSync('/proc/net/route', 'utf8').includes(`\t${destination}\t`)) return `198.${second}.${third}.0/24`;
  }
}
