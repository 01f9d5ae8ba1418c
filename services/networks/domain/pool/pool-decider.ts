import type { Decider } from '#libs/event-store/decider.js';
import { conflict, invalid, notFound } from '#libs/errors/errors.js';
import type { PoolEvent } from '#contracts/networks/events.js';
import type { PortRequest, PublishedPort } from '#contracts/containers/container-state.js';
import { formatIpv4, type Ipv4Subnet, parseIpv4, sizeOf } from '../ipv4.js';
import { isOfEarlierRun } from './endpoint-id.js';
import { allocatePorts, changedPorts, givenLately, type GivenPort } from './host-ports.js';

export interface Endpoint {
  readonly endpoint: string;
  readonly container: string;
  readonly name: string;
  readonly address: string;
  readonly mac: string;
  readonly ports: readonly PublishedPort[];
}

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
        const ports = allocatePorts(command, { lately: left.lately, held: heldPorts(left) });
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
    return { endpoints, lately: givenLately(event.ports, own?.ports ?? [], pool.lately) };
  },
};

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
  const held = heldPorts(pool).filter((port) => !own.ports.includes(port));
  const ports = changedPorts({ ports: wanted, name: own.name, ...(bound === undefined ? {} : { bound }) }, own.ports, { lately: pool.lately, held });
  return JSON.stringify(ports) === JSON.stringify(own.ports) ? [] : [{ type: 'EndpointPortsChanged', endpoint, ports, at }];
}
