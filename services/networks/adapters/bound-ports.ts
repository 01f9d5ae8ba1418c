import { readFile } from 'node:fs/promises';

/**
 * Local ports of this host's sockets as "tcp 8080", listening or not (proc_pid_net(5)): a port that is to be free is none of these. What another process takes a moment later
 * is found when the executor binds it. A table that is not there (no IPv6) holds nothing.
 */
export async function boundPorts(): Promise<ReadonlySet<string>> {
  const tables = await Promise.all((['tcp', 'tcp6', 'udp', 'udp6'] as const).map(async (name) => portsIn(await readFile(`/proc/self/net/${name}`, 'latin1').catch(() => '')).map((port) => `${name.slice(0, 3)} ${port}`)));
  return new Set(tables.flat());
}

/** Lines are "  0: 0100007F:1F90 00000000:0000 0A …" below a heading. */
function portsIn(table: string): number[] {
  return Array.from(table.matchAll(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) /gm), ([, port = '']) => Number.parseInt(port, 16));
}
