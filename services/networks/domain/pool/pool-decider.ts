import type { Decider } from '#libs/event-store/decider.js';
import { conflict, invalid, notFound } from '#libs/errors/errors.js';
import type { PoolEvent } from '#contracts/networks/events.js';
import type { PortRequest, PublishedPort } from '#contracts/containers/container-state.js';
import { formatIpv4, type Ipv4Subnet, parseIpv4, sizeOf } from '../ipv4.js';
import { isOfEarlierRun } from './endpoint-id.js';

export interface Endpoint {
  readonly endpoint: string;
  readonly container: string;
  readonly name: string;
  readonly address: string;
  readonly mac: string;
  readonly ports: readonly PublishedPort[];
}

type GivenPort = Pick<PublishedPort, 'protocol' | 'hostPort'>;

export interface Pool {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** What was given last, newest first: who may have any port gets the one after, so that a client of the former holder does not meet another container. */
  readonly lately: readonly GivenPort[];
}

interface FrozenPool {
  readonly endpoints: readonly Endpoint[];
  readonly lately: readonly GivenPort[];
}

/** A pool as JSON and back, for a snapshot. */
export const freezePool = ({ endpoints, lately }: Pool): FrozenPool => ({ endpoints: [...endpoints.values()], lately });
export const thawPool = (frozen: unknown): Pool => {
  const { endpoints, lately } = frozen as FrozenPool;
  return { endpoints: new Map(endpoints.map((endpoint) => [endpoint.endpoint, endpoint])), lately };
};

export type PoolCommand =
  | {
      readonly type: 'Allocate';
      readonly endpoint: string;
      readonly container: string;
      readonly name: string;
      readonly subnet: Ipv4Subnet;
      readonly gateway: string;
      readonly address?: string;
      readonly mac?: string;
      readonly ports: readonly PortRequest[];
      /** What the host itself uses, as "tcp 8080": no port of free choice becomes one of these. */
      readonly bound?: ReadonlySet<string>;
      readonly at: string;
    }
  | { readonly type: 'ChangePorts'; readonly endpoint: string; readonly ports: readonly PortRequest[]; readonly bound?: ReadonlySet<string>; readonly at: string }
  | { readonly type: 'Release'; readonly endpoint: string; readonly at: string };

/** Ports that are handed out when none is named, as in ip_local_port_range's default. */
const FIRST_EPHEMERAL_PORT = 32768;
const LAST_EPHEMERAL_PORT = 60999;
/** So many ports given lately are remembered: each range that is in use has its newest among them. */
const MOST_LATELY = 64;

/** Version of the state and of what `evolve` makes of events, as snapshots have it: change it with either. */
export const POOL_FOLD = '2';

export const poolDecider: Decider<Pool, PoolCommand, PoolEvent> = {
  initialState: { endpoints: new Map(), lately: [] },

  decide(command, pool) {
    switch (command.type) {
      case 'Allocate': {
        if (pool.endpoints.has(command.endpoint)) return portsChanged(command, pool); // asked for again, perhaps with other ports
        const { endpoint, container, name, at } = command;
        // A run begins after the one before it: whose release, which follows the exit, may come behind this wish.
        const over = [...pool.endpoints.keys()].filter((held) => isOfEarlierRun(held, endpoint));
        const left = { ...pool, endpoints: new Map([...pool.endpoints].filter(([held]) => !over.includes(held))) };
        const address = command.address ? claimAddress(command.address, left, command) : firstFreeAddress(left, command);
        const mac = command.mac ?? macOf(address);
        const ports = allocatePorts(command, left, heldPorts(left));
        const released = over.map((former): PoolEvent => ({ type: 'EndpointReleased', endpoint: former, at }));
        return [...released, { type: 'EndpointAllocated', endpoint, container, name, address, mac, ports, at }];
      }
      case 'ChangePorts':
        return portsChanged(command, pool);
      case 'Release':
        return pool.endpoints.has(command.endpoint) ? [{ type: 'EndpointReleased', endpoint: command.endpoint, at: command.at }] : [];
    }
  },

  evolve(pool, event) {
    const endpoints = new Map(pool.endpoints);
    if (event.type === 'EndpointReleased') {
      endpoints.delete(event.endpoint);
      return { ...pool, endpoints };
    }
    const own = endpoints.get(event.endpoint);
    if (event.type === 'EndpointAllocated') {
      const { endpoint, container, name, address, mac, ports } = event;
      endpoints.set(endpoint, { endpoint, container, name, address, mac, ports });
    } else if (own !== undefined) {
      endpoints.set(event.endpoint, { ...own, ports: event.ports });
    }
    return { endpoints, lately: givenLately(event.ports.filter((port) => !own?.ports.some((held) => isSamePort(held, port))), pool.lately) };
  },
};

const isSamePort = (one: GivenPort, other: GivenPort): boolean => one.protocol === other.protocol && one.hostPort === other.hostPort;

function givenLately(ports: readonly PublishedPort[], before: readonly GivenPort[]): readonly GivenPort[] {
  if (ports.length === 0) return before;
  const newest = ports.slice(-MOST_LATELY).reverse().map(({ protocol, hostPort }): GivenPort => ({ protocol, hostPort }));
  return [...newest, ...before.filter((port) => !newest.some((given) => isSamePort(given, port)))].slice(0, MOST_LATELY);
}

function taken(pool: Pool): Set<string> {
  return new Set(Array.from(pool.endpoints.values(), (endpoint) => endpoint.address));
}

function firstFreeAddress(pool: Pool, { subnet, gateway }: { subnet: Ipv4Subnet; gateway: string }): string {
  const used = taken(pool).add(gateway);
  // The first address is the network's own, the last its broadcast.
  for (let host = 1; host < sizeOf(subnet) - 1; host++) {
    const address = formatIpv4(subnet.base + host);
    if (!used.has(address)) return address;
  }
  throw conflict('no available IPv4 addresses on this network\'s address pools');
}

function claimAddress(address: string, pool: Pool, { subnet, gateway }: { subnet: Ipv4Subnet; gateway: string }): string {
  const number = parseIpv4(address);
  if (number <= subnet.base || number >= subnet.base + sizeOf(subnet) - 1) throw invalid(`invalid address ${address}: it does not belong to any of this network's subnets`);
  if (address === gateway || taken(pool).has(address)) throw conflict('Address already in use');
  return address;
}

/** As dockerd derives it, so that an address keeps its MAC: 02:42 and the four bytes of the address. */
export function macOf(address: string): string {
  return ['02', '42', ...address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))].join(':');
}

const heldPorts = (pool: Pool): PublishedPort[] => Array.from(pool.endpoints.values()).flatMap((endpoint) => endpoint.ports);

function portsChanged({ endpoint, ports: wanted, bound, at }: Pick<Extract<PoolCommand, { type: 'ChangePorts' }>, 'endpoint' | 'ports' | 'bound' | 'at'>, pool: Pool): PoolEvent[] {
  const own = pool.endpoints.get(endpoint);
  if (own === undefined) throw notFound(`endpoint ${endpoint} not found`);
  const ports = changedPorts(wanted, own, pool, bound);
  return JSON.stringify(ports) === JSON.stringify(own.ports) ? [] : [{ type: 'EndpointPortsChanged', endpoint, ports, at }];
}

/** What fits a wish and is held by the endpoint already stays; the rest is allocated. In the order of the wishes. */
function changedPorts(wanted: readonly PortRequest[], own: Endpoint, pool: Pool, bound: ReadonlySet<string> | undefined): PublishedPort[] {
  const left = [...own.ports];
  const take = (wish: PortRequest): PublishedPort | undefined => {
    const at = left.findIndex((port) => fits(port, wish));
    return at < 0 ? undefined : left.splice(at, 1)[0];
  };
  // Who names a port goes before those for whom any will do.
  const named = wanted.map((wish) => (isExact(wish) ? take(wish) : undefined));
  const kept = wanted.map((wish, at) => (isExact(wish) ? named[at] : take(wish)));
  const others = heldPorts(pool).filter((port) => !own.ports.includes(port));
  const missing = wanted.filter((_wish, at) => kept[at] === undefined);
  const allocated = allocatePorts({ ports: missing, name: own.name, ...(bound === undefined ? {} : { bound }) }, pool, others, kept.filter((port) => port !== undefined));
  return kept.map((port) => port ?? allocated.shift()).filter((port) => port !== undefined);
}

const isExact = ({ hostPort, hostPortEnd }: PortRequest): boolean => hostPort !== 0 && hostPortEnd === undefined;

const fits = (port: PublishedPort, wish: PortRequest): boolean =>
  port.hostIp === wish.hostIp && fitsElsewhere(port, wish);

/** But for the host's address. */
const fitsElsewhere = (port: PublishedPort, wish: PortRequest): boolean =>
  port.containerPort === wish.containerPort && port.protocol === wish.protocol && (wish.hostPort === 0 || (port.hostPort >= wish.hostPort && port.hostPort <= (wish.hostPortEnd ?? wish.hostPort)));

/** `own`: what the endpoint itself has already. */
function allocatePorts(
  { ports: wanted, name, bound }: Pick<Extract<PoolCommand, { type: 'Allocate' }>, 'ports' | 'name' | 'bound'>,
  { lately }: Pool,
  held: readonly PublishedPort[],
  own: readonly PublishedPort[] = [],
): PublishedPort[] {
  const exact = wanted.filter(isExact);
  const result: PublishedPort[] = [];
  for (const wish of wanted) {
    const { hostPortEnd, ...port } = wish;
    const isExact = port.hostPort !== 0 && hostPortEnd === undefined;
    const twinHost = ANY_TWIN.get(port.hostIp);
    const twin = twinHost === undefined ? undefined : [...own, ...result].find((other) => other.hostIp === twinHost && fitsElsewhere(other, wish));
    if (twin) {
      result.push({ ...port, hostPort: twin.hostPort });
      continue;
    }
    // What was named by the same container is no free one for its unnamed ports.
    const others = isExact ? [...held, ...own, ...result] : [...held, ...own, ...exact, ...result];
    const clashes = (hostPort: number): boolean => others.some((other) => other.protocol === port.protocol && other.hostPort === hostPort && sameHost(other.hostIp, port.hostIp));
    const [first, last] = port.hostPort === 0 ? [FIRST_EPHEMERAL_PORT, LAST_EPHEMERAL_PORT] : [port.hostPort, hostPortEnd ?? port.hostPort];
    const isFree = (hostPort: number): boolean => !clashes(hostPort) && (isExact || !bound?.has(`${port.protocol} ${hostPort}`));
    const newest = [...result.toReversed(), ...lately].find((given) => given.protocol === port.protocol && given.hostPort >= first && given.hostPort <= last);
    const hostPort = firstInTurn(first, last, newest?.hostPort ?? last, isFree);
    if (hostPort === undefined) {
      const bound = isExact ? `Bind for ${port.hostIp || '0.0.0.0'}:${port.hostPort} failed: port is already allocated` : 'all ports are allocated';
      throw conflict(`driver failed programming external connectivity on endpoint ${name}: ${bound}`);
    }
    result.push({ ...port, hostPort });
  }
  return result;
}

/** The first after `newest` that will do, from the range's beginning again after its end. */
function firstInTurn(first: number, last: number, newest: number, isFree: (port: number) => boolean): number | undefined {
  const size = last - first + 1;
  for (let step = 1; step <= size; step++) {
    const port = first + ((newest - first + step) % size);
    if (isFree(port)) return port;
  }
  return undefined;
}

const ANY_HOST = new Set(['', '0.0.0.0', '::']);
const sameHost = (one: string, other: string): boolean => one === other || ANY_HOST.has(one) || ANY_HOST.has(other);
/** As Compose files have them beside each other: one port, for IPv4 and for IPv6 where there is any. */
const ANY_TWIN: ReadonlyMap<string, string> = new Map([['0.0.0.0', '::'], ['::', '0.0.0.0']]);
