import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/**
 * A TCP port that nobody has now, at any address. Below 32768: from there on the kernel gives ports to connections, and engines those of free choice, so that one of them would have
 * it by the time that the test uses it, once in some hundred runs.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_768);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => server.once('error', () => resolve(false)).listen({ port, host: '0.0.0.0', exclusive: true }, () => resolve(true)));
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
}

/** A /24 of the addresses for benchmarks (RFC 2544, 198.18.0.0/15), which no real network and no other engine has, and no route of this machine. */
export function freeSubnet(): string {
  for (;;) {
    const network = [198, 18 + randomInt(2), randomInt(256), 0];
    if (!isRouted(network)) return `${network.join('.')}/24`;
  }
}

/** A /16 for many containers, of the addresses that providers share among customers (RFC 6598, 100.64.0.0/10), and no route of this machine. */
export function freeWideSubnet(): string {
  for (;;) {
    const network = [100, 64 + randomInt(64), 0, 0];
    if (!isRouted(network)) return `${network.join('.')}/16`;
  }
}

function isRouted(network: readonly number[]): boolean {
  // /proc/net/route holds addresses as they lie in memory: little-endian on all machines that Berth runs on.
  const destination = network.toReversed().map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join('');
  return readFileSync('/proc/net/route', 'utf8').includes(`\t${destination}\t`);
}
