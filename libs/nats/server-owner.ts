import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { type Endpoint, listenerAt, ownerOf } from './tcp-table.js';

/** Of this process's network namespace. IPv6 last: who takes our connections is hardly there. */
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/** The user who holds the other end of a connection within this host; bytes must have come from there. Undefined where it cannot be seen. */
export function peerUid({ localAddress, localPort, remoteAddress, remotePort }: Socket): number | undefined {
  if (localAddress === undefined || localPort === undefined || remoteAddress === undefined || remotePort === undefined) return undefined;
  const [here, there] = [{ address: localAddress, port: localPort }, { address: remoteAddress, port: remotePort }];
  return inTables((table) => ownerOf(table, there, here));
}

/** The user who listens there; undefined: nobody does. */
export const listenerUid = (place: Endpoint): number | undefined => inTables((table) => listenerAt(table, place));

function inTables(find: (table: string) => number | undefined): number | undefined {
  for (const path of TABLES) {
    const uid = find(textOf(path));
    if (uid !== undefined) return uid;
  }
  return undefined;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // a kernel without IPv6
  }
}
