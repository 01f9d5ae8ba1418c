import { unclassified } from '#libs/errors/errors.js';
import type { PortRequest, PublishedPort } from '#contracts/containers/container-state.js';

export type GivenPort = Pick<PublishedPort, 'protocol' | 'hostPort'>;

/** Ports that are handed out when none is named, as in ip_local_port_range's default. */
const FIRST_EPHEMERAL_PORT = 32768;
const LAST_EPHEMERAL_PORT = 60999;
/** Of ports given lately, how many are remembered: each range that is in use has its newest among them. */
const MOST_LATELY = 64;

export interface PortWishes {
  readonly ports: readonly PortRequest[];
  /** The endpoint's, for refusals. */
  readonly name: string;
  /** What the host itself uses, as "tcp 8080": no port of free choice becomes one of these. */
  readonly bound?: ReadonlySet<string>;
}

/** What is to be known of a pool's ports. */
export interface PortsInUse {
  readonly held: readonly PublishedPort[];
  /** What was given last, newest first. */
  readonly lately: readonly GivenPort[];
}

const isSamePort = (one: GivenPort, other: GivenPort): boolean => one.protocol === other.protocol && one.hostPort === other.hostPort;

/** `lately`, with what of `ports` an endpoint had not `before`. */
export function givenLately(ports: readonly PublishedPort[], before: readonly PublishedPort[], lately: readonly GivenPort[]): readonly GivenPort[] {
  const fresh = ports.filter((port) => !before.some((held) => isSamePort(held, port)));
  if (fresh.length === 0) return lately;
  const newest = fresh.slice(-MOST_LATELY).reverse().map(({ protocol, hostPort }): GivenPort => ({ protocol, hostPort }));
  return [...newest, ...lately.filter((port) => !newest.some((given) => isSamePort(given, port)))].slice(0, MOST_LATELY);
}

/**
 * What fits a wish and is among the endpoint's `own` already stays; the rest is allocated. In the order of the wishes. `held`: by others. Throws as `allocatePorts`.
 */
export function changedPorts(wishes: PortWishes, own: readonly PublishedPort[], { held, lately }: PortsInUse): PublishedPort[] {
  const { ports: wanted } = wishes;
  const left = [...own];
  const take = (wish: PortRequest): PublishedPort | undefined => {
    const at = left.findIndex((port) => fits(port, wish));
    return at < 0 ? undefined : left.splice(at, 1)[0];
  };
  // Wishes that name a port go before those for which any will do.
  const named = wanted.map((wish) => (isExact(wish) ? take(wish) : undefined));
  const kept = wanted.map((wish, at) => (isExact(wish) ? named[at] : take(wish)));
  const missing = wanted.filter((_wish, at) => kept[at] === undefined);
  const allocated = allocatePorts({ ...wishes, ports: missing }, { held, lately }, kept.filter((port) => port !== undefined));
  return kept.map((port) => port ?? allocated.shift()).filter((port) => port !== undefined);
}

const isExact = ({ hostPort, hostPortEnd }: PortRequest): boolean => hostPort !== 0 && hostPortEnd === undefined;

const fits = (port: PublishedPort, wish: PortRequest): boolean =>
  port.hostIp === wish.hostIp && fitsElsewhere(port, wish);

/** But for the host's address. */
const fitsElsewhere = (port: PublishedPort, wish: PortRequest): boolean =>
  port.containerPort === wish.containerPort && port.protocol === wish.protocol && (wish.hostPort === 0 || (port.hostPort >= wish.hostPort && port.hostPort <= (wish.hostPortEnd ?? wish.hostPort)));

/** In the order of the wishes. `own`: what the endpoint itself has already. Throws as dockerd does, in its words, where a port is taken or a range used up. */
export function allocatePorts({ ports: wanted, name, bound }: PortWishes, { held, lately }: PortsInUse, own: readonly PublishedPort[] = []): PublishedPort[] {
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
      throw unclassified(`driver failed programming external connectivity on endpoint ${name}: ${bound}`);
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
