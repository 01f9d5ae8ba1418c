import { attribute, container, decodeAttributes, encodeAttributes, ipv4, nested, raw, u16be, u32, u8, type Values } from './attributes.js';
import type { Message, Reply } from './messages.js';
import { NLM_F_ACK, NLM_F_DUMP } from './messages.js';

/** linux/netfilter/nfnetlink_conntrack.h: the flows that the kernel tracks, and what it has decided about the addresses of each. */
const SUBSYSTEM_CTNETLINK = 1;
const NEW = (SUBSYSTEM_CTNETLINK << 8) | 0;
const GET = (SUBSYSTEM_CTNETLINK << 8) | 1;
const DELETE = (SUBSYSTEM_CTNETLINK << 8) | 2;
const AF_INET = 2;
const IPPROTO_UDP = 17;
const NFGENMSG = Uint8Array.of(AF_INET, 0, 0, 0);

const ip = { source: attribute(1, ipv4), destination: attribute(2, ipv4) };
const protocol = { number: attribute(1, u8), sourcePort: attribute(2, u16be), destinationPort: attribute(3, u16be) };
const tuple = { ip: container(1, nested(ip)), protocol: container(2, nested(protocol)) };
const filter = { original: attribute(1, u32), reply: attribute(2, u32) };
const query = { original: container(1, nested(tuple)), reply: container(2, nested(tuple)), filter: container(25, nested(filter)) };
const flow = { original: container(1, nested(tuple)), reply: container(2, nested(tuple)) };
/** What names one flow; as the kernel told it. */
const named = { original: container(1, raw), id: attribute(12, raw), zone: attribute(18, raw) };

/** Bits of a filter: what of a tuple is to be compared. */
const IP_SOURCE = 1 << 0;
const PROTOCOL_NUMBER = 1 << 3;
const DESTINATION_PORT = 1 << 5;

/** Where a packet comes from and goes to. */
export interface Way {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

export interface UdpFlow {
  /** As its sender sees it. */
  readonly original: Way;
  /** As who answers does: where addresses are translated, its ends are others. */
  readonly reply: Way;
  readonly name: Values<typeof named>;
}

/**
 * Asks for all UDP flows, those whose sender sees this port, or those that are answered from this address. Linux before 5.8 passes over the filter: what comes is to be looked at all the same.
 */
export function udpFlowsQuery(only: { readonly port?: number; readonly answeredFrom?: string } = {}): Message {
  const { port, answeredFrom } = only;
  const udp = { number: IPPROTO_UDP };
  const original = { protocol: port === undefined ? udp : { ...udp, destinationPort: port } };
  const reply = answeredFrom === undefined ? undefined : { ip: { source: answeredFrom } };
  const flags = { original: PROTOCOL_NUMBER | (port === undefined ? 0 : DESTINATION_PORT), ...(reply ? { reply: IP_SOURCE } : {}) };
  return { type: GET, flags: NLM_F_ACK | NLM_F_DUMP, payload: Buffer.concat([NFGENMSG, encodeAttributes(query, { original, ...(reply ? { reply } : {}), filter: flags })]), what: 'look at tracked flows' };
}

/** The UDP flows over IPv4 that replies to it tell of. */
export function udpFlowsIn(replies: readonly Reply[]): UdpFlow[] {
  return replies.flatMap(({ type, payload }) => {
    if (type !== NEW || payload[0] !== AF_INET) return [];
    const attributes = payload.subarray(NFGENMSG.length);
    const { original, reply } = decodeAttributes(flow, attributes);
    if (original?.protocol?.number !== IPPROTO_UDP) return [];
    return [{ original: wayOf(original), reply: wayOf(reply ?? {}), name: decodeAttributes(named, attributes) }];
  });
}

/** ENOENT where it has ended meanwhile. The same flow only: not a younger one between the same ends. */
export function deleteFlow({ name, original }: UdpFlow): Message {
  return { type: DELETE, flags: NLM_F_ACK, payload: Buffer.concat([NFGENMSG, encodeAttributes(named, name)]), what: `forget the flow from ${original.source}:${original.sourcePort} to ${original.destination}:${original.destinationPort}` };
}

function wayOf({ ip: ends = {}, protocol: ports = {} }: Values<typeof tuple>): Way {
  return { source: ends.source ?? '', sourcePort: ports.sourcePort ?? 0, destination: ends.destination ?? '', destinationPort: ports.destinationPort ?? 0 };
}
