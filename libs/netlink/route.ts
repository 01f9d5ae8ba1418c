import { attribute, cstring, decodeAttributes, encodeAttributes, ipv4, mac, nested, raw, u32, u8 } from './attributes.js';
import type { Codec } from './attributes.js';
import type { Message, Reply } from './messages.js';
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL } from './messages.js';

/** rtnetlink(7), linux/if_link.h, linux/if_addr.h, linux/rtnetlink.h. */
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_NEWROUTE = 24;
const AF_INET = 2;
export const IFF_UP = 0x1;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RTN_UNICAST = 1;
const IFINFOMSG_BYTES = 16;

const link = { address: attribute(1, mac), name: attribute(3, cstring), mtu: attribute(4, u32), master: attribute(10, u32) };
const peerLink = { ...link, namespace: attribute(28, u32) };

/** veth's peer is a whole link of its own: a header, then its attributes (VETH_INFO_PEER). */
const peer: Codec<LinkOptions & { readonly namespace?: number }> = {
  encode: ({ up, ...values }) => Buffer.concat([ifinfomsg(0, up ?? false), encodeAttributes(peerLink, values)]),
  decode: (bytes) => decodeAttributes(peerLink, bytes.subarray(IFINFOMSG_BYTES)),
};
const vethData = { peer: attribute(1, peer) };
const bridgePort = { hairpin: attribute(4, u8) };
const linkInfo = { kind: attribute(1, cstring), data: attribute(2, raw), portOf: attribute(4, cstring), port: attribute(5, nested(bridgePort)) };
const newLink = { ...link, info: attribute(18, nested(linkInfo)), group: attribute(27, u32) };
const addressTable = { address: attribute(1, ipv4), local: attribute(2, ipv4), broadcast: attribute(4, ipv4) };
const routeTable = { destination: attribute(1, ipv4), outLink: attribute(4, u32), gateway: attribute(5, ipv4) };

export interface LinkOptions {
  readonly name?: string;
  /** Hardware address. */
  readonly address?: string;
  readonly mtu?: number;
  /** Index of the bridge. */
  readonly master?: number;
  readonly up?: boolean;
}

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  readonly mtu?: number;
  readonly address?: string;
  readonly master?: number;
  /** 'bridge', 'veth', ...; absent: a device of its own. */
  readonly kind?: string;
  /** 0 where nobody has set one. */
  readonly group?: number;
}

function ifinfomsg(index: number, up: boolean): Buffer {
  const bytes = Buffer.alloc(IFINFOMSG_BYTES);
  bytes.writeInt32LE(index, 4);
  if (up) {
    bytes.writeUInt32LE(IFF_UP, 8);
    bytes.writeUInt32LE(IFF_UP, 12);
  }
  return bytes;
}

/** EEXIST: a link has this name. `group`: a number by which others find links of a kind. */
export function addBridge({ up, ...values }: LinkOptions & { readonly name: string; readonly group?: number }): Message {
  return {
    type: RTM_NEWLINK,
    flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
    payload: Buffer.concat([ifinfomsg(0, up ?? false), encodeAttributes(newLink, { ...values, info: { kind: 'bridge' } })]),
    what: `link add ${values.name} type bridge`,
  };
}

/** A pair of links. The peer cannot be born up: the kernel joins the two after it (ENOTCONN). `namespace` of the peer: a descriptor of the network namespace it is born in. */
export function addVeth(
  { up, ...values }: LinkOptions & { readonly name: string },
  peerValues: Omit<LinkOptions, 'up'> & { readonly namespace?: number },
): Message {
  const info = { kind: 'veth', data: encodeAttributes(vethData, { peer: peerValues }) };
  return {
    type: RTM_NEWLINK,
    flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
    payload: Buffer.concat([ifinfomsg(0, up ?? false), encodeAttributes(newLink, { ...values, info })]),
    what: `link add ${values.name} type veth peer ${peerValues.name ?? ''}`,
  };
}

/** `which`: an index, or a name where the index is not known. With an index a name renames. `master` 0 takes a link out of its bridge. */
export function setLink(which: number | string, { up, ...values }: LinkOptions): Message {
  const header = ifinfomsg(typeof which === 'number' ? which : 0, up ?? false);
  if (up === false) header.writeUInt32LE(IFF_UP, 12);
  const attributes = encodeAttributes(link, typeof which === 'string' ? { ...values, name: which } : values);
  return { type: RTM_NEWLINK, flags: NLM_F_ACK, payload: Buffer.concat([header, attributes]), what: `link set ${which}` };
}

/** A port of a bridge may send a frame back to where it came from. EOPNOTSUPP: the link is no port. */
export function setHairpin(name: string): Message {
  const attributes = encodeAttributes(newLink, { name, info: { portOf: 'bridge', port: { hairpin: 1 } } });
  return { type: RTM_NEWLINK, flags: NLM_F_ACK, payload: Buffer.concat([ifinfomsg(0, false), attributes]), what: `link set ${name} hairpin on` };
}

/** ENODEV: there is none. */
export function getLink(name: string): Message {
  return { type: RTM_GETLINK, flags: NLM_F_ACK, payload: Buffer.concat([ifinfomsg(0, false), encodeAttributes(link, { name })]), what: `link get ${name}` };
}

export function listLinks(): Message {
  return { type: RTM_GETLINK, flags: NLM_F_DUMP, payload: ifinfomsg(0, false), what: 'link list' };
}

/** A veth's peer goes with it, wherever it is. ENODEV: there is none. */
export function deleteLink(name: string): Message {
  return { type: RTM_DELLINK, flags: NLM_F_ACK, payload: Buffer.concat([ifinfomsg(0, false), encodeAttributes(link, { name })]), what: `link delete ${name}` };
}

/** EEXIST: the link has it already. The broadcast address is the subnet's last. */
export function addAddress(link: number, address: string, prefixLength: number): Message {
  const header = Buffer.alloc(8);
  header.writeUInt8(AF_INET, 0);
  header.writeUInt8(prefixLength, 1);
  header.writeUInt32LE(link, 4);
  const values = prefixLength < 31 ? { local: address, address, broadcast: broadcastOf(address, prefixLength) } : { local: address, address };
  return {
    type: RTM_NEWADDR,
    flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
    payload: Buffer.concat([header, encodeAttributes(addressTable, values)]),
    what: `address add ${address}/${prefixLength}`,
  };
}

/** EADDRNOTAVAIL: the link has it not, or with another prefix. */
export function deleteAddress(link: number, address: string, prefixLength: number): Message {
  const header = Buffer.alloc(8);
  header.writeUInt8(AF_INET, 0);
  header.writeUInt8(prefixLength, 1);
  header.writeUInt32LE(link, 4);
  return { type: RTM_DELADDR, flags: NLM_F_ACK, payload: Buffer.concat([header, encodeAttributes(addressTable, { local: address, address })]), what: `address delete ${address}/${prefixLength}` };
}

/** The way out of the subnet. The link must be up and reach the gateway (ENETUNREACH). */
export function addDefaultRoute(link: number, gateway: string): Message {
  const header = Buffer.from([AF_INET, 0, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_UNIVERSE, RTN_UNICAST, 0, 0, 0, 0]);
  return {
    type: RTM_NEWROUTE,
    flags: NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
    payload: Buffer.concat([header, encodeAttributes(routeTable, { gateway, outLink: link })]),
    what: `route add default via ${gateway}`,
  };
}

/** Links among the replies of getLink or listLinks. */
export function linksOf(replies: readonly Reply[]): readonly Link[] {
  return replies
    .filter((reply) => reply.type === RTM_NEWLINK && reply.payload.length >= IFINFOMSG_BYTES)
    .map(({ payload }) => {
      const { name, info, ...rest } = decodeAttributes(newLink, payload.subarray(IFINFOMSG_BYTES));
      const kind = info?.kind === undefined ? {} : { kind: info.kind };
      return { index: payload.readInt32LE(4), name: name ?? '', up: (payload.readUInt32LE(8) & IFF_UP) !== 0, ...rest, ...kind };
    });
}

function broadcastOf(address: string, prefixLength: number): string {
  const bytes = Buffer.from(address.split('.').map(Number));
  bytes.writeUInt32BE((bytes.readUInt32BE(0) | (0xffffffff >>> prefixLength)) >>> 0, 0);
  return [...bytes].join('.');
}
