import { invalid } from '#libs/errors/errors.js';
import { ipv4 } from '#libs/netlink/attributes.js';
import type { MapElement } from '#libs/netlink/nftables.js';
import { CARD_KINDS, TUNNEL_KINDS } from '../../domain/host/network-cards.js';

/** What the firewall shall hold, as data; `ruleSetText` says it in nft's words (nft(8)). */
export interface RuleSet {
  /** A table of its own, so that two engines do not meet: "berth_" and a suffix. */
  readonly table: string;
  readonly bridges: readonly BridgeRules[];
  readonly publishedPorts: readonly PublishedPortRule[];
  /** The host forwards for our networks' sake alone: between these links, its network cards, and from them to tunnels and back, nothing else goes. */
  readonly apart?: readonly string[];
}

export interface BridgeRules {
  readonly bridge: string;
  /** "172.17.0.0/16" */
  readonly subnet: string;
  /** An internal network: nothing goes in or out. */
  readonly internal?: boolean;
  /** Absent: true. */
  readonly masquerade?: boolean;
  /** May its containers talk to each other? Absent: true. */
  readonly interContainer?: boolean;
}

export interface PublishedPortRule {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** Absent or "0.0.0.0": all addresses of the host. */
  readonly hostAddress?: string;
  readonly hostPort: number;
  readonly containerAddress: string;
  readonly containerPort: number;
}

const WORD = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
/** Any name that nft's quotes hold; a star at the end would be many names. */
const QUOTED = /^[^"\\*\s]{1,15}$/;
const ADDRESS = /^\d{1,3}(\.\d{1,3}){3}$/;
const SUBNET = /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/;

/** What comes from outside goes into nft's text only in these shapes: text could carry rules of its own. */
function shaped(pattern: RegExp, value: string, what: string): string {
  if (!pattern.test(value)) throw invalid(`"${value}" is not ${what}`);
  return value;
}

function port(value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > 65535) throw invalid(`${value} is not a port`);
  return value;
}

export const isAnyAddress = (rule: PublishedPortRule): boolean => (rule.hostAddress ?? '0.0.0.0') === '0.0.0.0';
export const tableName = (table: string): string => shaped(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, table, 'the name of a table');

export const PUBLISHED_MAPS = ['published', 'published_at'] as const;

/** Which map holds a port and under which key: { map: 'published', key: 'tcp . 8080' }. */
function mapElement(rule: PublishedPortRule): { readonly map: string; readonly key: string; readonly value: string } {
  const protocol = shaped(/^(tcp|udp|sctp)$/, rule.protocol, 'a protocol');
  const value = `${shaped(ADDRESS, rule.containerAddress, 'an IPv4 address')} . ${port(rule.containerPort)}`;
  if (isAnyAddress(rule)) return { map: 'published', key: `${protocol} . ${port(rule.hostPort)}`, value };
  const address = shaped(ADDRESS, rule.hostAddress ?? '', 'an IPv4 address');
  return { map: 'published_at', key: `${address} . ${protocol} . ${port(rule.hostPort)}`, value };
}

const PROTOCOL_NUMBER = { tcp: 6, udp: 17, sctp: 132 } as const;

/** The same element as bytes, for a transaction without nft(8). Rejects what mapElement rejects. */
export function publishedElement(table: string, rule: PublishedPortRule): MapElement {
  const { map } = mapElement(rule);
  const portKey = [Uint8Array.of(PROTOCOL_NUMBER[rule.protocol]), portBytes(rule.hostPort)];
  const key = isAnyAddress(rule) ? portKey : [ipv4.encode(rule.hostAddress ?? ''), ...portKey];
  return { table, map, key, value: [ipv4.encode(rule.containerAddress), portBytes(rule.containerPort)] };
}

const portBytes = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);

/**
 * The whole table, replaced in one transaction: there is no moment without rules.
 * Other tables have their say too: a DROP of theirs on the forward hook is a drop, whatever is accepted here.
 */
export function ruleSetText(rules: RuleSet): string {
  const table = tableName(rules.table);
  const bridges = rules.bridges.map((b) => ({ ...b, bridge: shaped(WORD, b.bridge, 'the name of a bridge'), subnet: shaped(SUBNET, b.subnet, 'a subnet') }));
  const elements = rules.publishedPorts.map(mapElement);
  const map = (name: string, type: string): string => {
    const own = elements.filter((element) => element.map === name).map(({ key, value }) => `${key} : ${value}`);
    return `  map ${name} {\n    type ${type} : ipv4_addr . inet_service\n${own.length ? `    elements = { ${own.join(', ')} }\n` : ''}  }`;
  };
  const lines = (of: (b: (typeof bridges)[number]) => readonly string[]): string => bridges.flatMap(of).map((line) => `    ${line}\n`).join('');
  return `table ip ${table}
delete table ip ${table}
table ip ${table} {
${map('published', 'inet_proto . inet_service')}
${map('published_at', 'ipv4_addr . inet_proto . inet_service')}
  # route_localnet lets 127.0.0.1 leave the host for a published port; nobody may come in by it.
  chain martians {
    type filter hook prerouting priority raw; policy accept;
    iifname != "lo" ip daddr 127.0.0.0/8 drop
  }
  chain publish {
    meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport map @published_at
    meta l4proto { tcp, udp, sctp } dnat ip to meta l4proto . th dport map @published
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump publish
  }
  chain output {
    type nat hook output priority -100; policy accept;
    fib daddr type local jump publish
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
${lines((b) => [
  ...(b.internal || b.masquerade === false ? [] : [`ip saddr ${b.subnet} oifname != "${b.bridge}" masquerade`]),
  // A container that reaches itself or a neighbour by a published port, and a host process that does by 127.0.0.1: the answer must come back here.
  `ip saddr ${b.subnet} oifname "${b.bridge}" ct status dnat masquerade`,
  `ip saddr 127.0.0.0/8 oifname "${b.bridge}" masquerade`,
])}  }
${rules.apart ? apartChains(rules.apart.filter((link) => QUOTED.test(link))) : ''}  chain forward {
    type filter hook forward priority filter; policy accept;
${lines((b) =>
  b.internal
    ? [`iifname "${b.bridge}" oifname != "${b.bridge}" drop`, `oifname "${b.bridge}" iifname != "${b.bridge}" drop`]
    : [],
)}    ct state established,related accept
${lines((b) => [
  ...(b.internal ? [] : [`oifname "${b.bridge}" ct status dnat accept`]),
  `iifname "${b.bridge}" oifname "${b.bridge}" ${b.interContainer === false ? 'drop' : 'accept'}`,
])}${lines((b) => [`oifname "${b.bridge}" drop`])}${rules.apart ? `${lines((b) => [`iifname "${b.bridge}" accept`])}    jump apart\n` : ''}  }
}
`;
}

/**
 * Drops what goes from one of `links`, or a card, to another, or to a tunnel and back. Since no accept of anybody outweighs a drop, it is of nothing that another counts on: links that came later are not in it,
 * but for cards, and for tunnels to them. Who brings a VPN up uses it, and who routes it has the host forward himself.
 * Where br_netfilter is on, what goes over a bridge comes by here too.
 */
function apartChains(links: readonly string[]): string {
  const setOf = (kinds: readonly string[]): string => `{ ${kinds.map((kind) => `"${kind}"`).join(', ')} }`;
  const [cards, tunnels] = [setOf(CARD_KINDS), setOf(TUNNEL_KINDS)];
  const names = links.map((link) => `"${link}"`).join(', ');
  const over = links.map((link) => `"${link}" . "${link}"`).join(', ');
  return `  set apart {
    type ifname
${links.length > 0 ? `    elements = { ${names} }\n` : ''}  }
  chain apart_to {
${links.length > 0 ? `    meta iifkind "bridge" iifname . oifname { ${over} } return\n` : ''}    oifname @apart drop
    meta oifkind ${cards} drop
    # True of any kind, and of no link that has none.
    meta oifkind != "none" return
    drop
  }
  chain apart_or_tunnel_to {
    meta oifkind ${tunnels} drop
    goto apart_to
  }
  chain apart {
    iifname @apart goto apart_or_tunnel_to
    meta iifkind ${cards} goto apart_or_tunnel_to
    meta iifkind ${tunnels} goto apart_to
    meta iifkind != "none" return
    goto apart_or_tunnel_to
  }
`;
}
