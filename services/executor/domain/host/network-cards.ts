import type { Link } from '#libs/netlink/route.js';

/** Kinds of links that are network cards, or parts of them. Most cards are of none; all others are of somebody's making, who knows whether they are routed. */
export const CARD_KINDS = ['bond', 'dsa', 'ipoib', 'team', 'vlan', 'wwan'] as const;

/** Kinds of links to somewhere else, as every VPN is: a card's neighbours are not to go there, nor are those from there to come to them. */
export const TUNNEL_KINDS = ['gre', 'ipip', 'ovpn', 'ovpn-dco', 'ppp', 'sit', 'tun', 'vti', 'wireguard', 'xfrm'] as const;

const isCard = ({ kind }: Link): boolean => kind === undefined || CARD_KINDS.some((one) => one === kind);

/** Names of all links but the bridges for somebody's guests, which have no card in them: what these reach is theirs to say. */
export function linksOfTheHost(links: readonly Link[]): readonly string[] {
  return links.filter((link) => link.kind !== 'bridge' || links.some((port) => port.master === link.index && isCard(port))).map(({ name }) => name);
}
