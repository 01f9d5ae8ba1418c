import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Links and rules of one engine, as ip(8) and nft(8) tell them: other programs than the executor uses. */
export interface HostNetwork {
  readonly bridgeAddresses: readonly string[];
  /** Interface numbers of the bridge's ports → names. */
  readonly ports: ReadonlyMap<number, string>;
  /** "tcp . 8080 : 172.17.0.2 . 80", sorted; undefined: the table is not there. */
  readonly published: readonly string[] | undefined;
  /** The rules of the table without the elements of its maps. */
  readonly rules: string;
}

interface Link {
  readonly link_index?: number;
  readonly addr_info?: readonly { readonly family: string; readonly local: string; readonly prefixlen: number }[];
}

export function hostNetwork(bridge: string, table: string): HostNetwork {
  const folder = `/sys/class/net/${bridge}/brif`;
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const ports = new Map(names.map((name) => [Number(tell('cat', [`/sys/class/net/${name}/ifindex`]) || -1), name]));
  const text = tell('nft', ['list', 'table', 'ip', table]);
  return {
    bridgeAddresses: addressesOf(tell('ip', ['-j', 'addr', 'show', 'dev', bridge])),
    ports,
    published: text === '' ? undefined : Array.from(text.matchAll(/elements = \{([^}]*)\}/g), ([, elements = '']) => elements.split(',').map((element) => element.replace(/\s+/g, ' ').trim())).flat().sort(),
    rules: text.replace(/\s*elements = \{[^}]*\}/g, ''),
  };
}

/** eth0 as the container has it: its addresses, and the number of the link that is its other end. Undefined: it has none. */
export function containerLink(pid: number): { readonly peer: number; readonly addresses: readonly string[] } | undefined {
  const json = tell('nsenter', ['-t', String(pid), '-n', 'ip', '-j', 'addr', 'show', 'dev', 'eth0']);
  if (json === '') return undefined;
  const [link] = JSON.parse(json) as Link[];
  return { peer: link?.link_index ?? -1, addresses: addressesOf(json) };
}

/** Ports on which a process listens or takes datagrams, as "tcp . 8080": its sockets' inodes in /proc/net (proc(5)). IPv4 alone. */
export function portsHeldBy(pid: number): Set<string> {
  const inodes = new Set(socketsOf(pid));
  const isOpen = { tcp: '0A', udp: '07' } as const; // LISTEN; CLOSE is what an unconnected datagram socket is in
  const held = new Set<string>();
  for (const protocol of ['tcp', 'udp'] as const) {
    for (const line of tell('cat', [`/proc/${pid}/net/${protocol}`]).split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state === isOpen[protocol] && inodes.has(inode)) held.add(`${protocol} . ${Number.parseInt(local.split(':')[1] ?? '', 16)}`);
    }
  }
  return held;
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => /^socket:\[(\d+)\]$/.exec(attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)))?.[1] ?? []);
  } catch {
    return [];
  }
}

function attempt(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

function addressesOf(json: string): string[] {
  if (json === '') return [];
  return (JSON.parse(json) as Link[]).flatMap((link) => link.addr_info ?? []).filter(({ family }) => family === 'inet').map(({ local, prefixlen }) => `${local}/${prefixlen}`);
}

function tell(program: string, args: readonly string[]): string {
  return attempt(() => (program === 'cat' ? readFileSync(args[0] ?? '', 'utf8').trim() : execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })));
}
