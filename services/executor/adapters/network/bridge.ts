import { conflict, internal } from '#libs/errors/errors.js';
import type { Fd } from '#libs/linux/native.js';
import { addAddress, addBridge, deleteAddress, deleteLink, setLink } from '#libs/netlink/route.js';
import { macOf } from './mac-address.js';
import { RouteSocket } from './route-socket.js';
import { setIpv6Sysctl, setSysctl, visiting } from './sysctl.js';

export interface BridgeOptions {
  /** At most 15 bytes: "docker0", "br-0123456789ab". */
  readonly name: string;
  /** The bridge's own address, which containers go out by. */
  readonly gateway: string;
  readonly prefixLength: number;
  readonly mtu: number;
  /** The network namespace to work in; absent: the engine's own. */
  readonly namespace?: Fd;
}

/** The link group of the bridges that engines make: a bridge that the host had before is never taken away. */
const BRIDGE_GROUP = 0x6265;

const LINK_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/;

/**
 * Makes the bridge, or what of it is missing: link, address, up, and routing to it of what a host process sends from 127.0.0.1 to a published
 * port (the firewall drops martians from elsewhere). No container becomes the host's IPv6 router: router advertisements are not listened to, and a bridge of our making has no IPv6 at all.
 * A second call changes nothing. `isGiven`: the host had the bridge before, and it has the address from now on.
 * Rejects with conflict where the name belongs to a link of another kind, NetlinkRefused otherwise.
 */
export function ensureBridge(options: BridgeOptions): { readonly index: number; readonly isGiven: boolean } {
  const { name, gateway, prefixLength, mtu, namespace = -1 } = options;
  if (!LINK_NAME.test(name)) throw conflict(`"${name}" cannot be the name of a bridge: at most 15 letters, digits, "_", "." and "-"`);
  using routes = new RouteSocket(namespace);
  // A MAC of its own: without one a bridge takes the lowest of its ports', which changes under its peers as containers come and go.
  const made = routes.try(addBridge({ name, mtu, address: macOf(gateway), group: BRIDGE_GROUP, up: true })).refused.get(0);
  if (made && made.code !== 'EEXIST') throw made;
  const link = routes.link(name);
  if (!link) throw internal(`bridge ${name} vanished while it was set up`);
  if (link.kind !== 'bridge') throw conflict(`the link ${name} is there already, and is no bridge`);
  const { refused } = routes.try(addAddress(link.index, gateway, prefixLength), setLink(link.index, { up: true, mtu }));
  for (const refusal of refused.values()) if (refusal.code !== 'EEXIST') throw refusal;
  visiting(namespace, () => {
    setSysctl(`net/ipv4/conf/${name}/route_localnet`, '1');
    setIpv6Sysctl(name, 'accept_ra', '0');
    if (!made) setIpv6Sysctl(name, 'disable_ipv6', '1');
  });
  return { index: link.index, isGiven: link.group !== BRIDGE_GROUP && !refused.has(0) };
}

/**
 * Removes a bridge that an engine has made; one that is not there, or that the host had before, stays as it is. `gateway`: only where it was made with that address, and is not
 * another's of the same name by now. Ports of it stay, out of any bridge.
 */
export function removeBridge(name: string, { gateway, namespace = -1 }: Partial<Pick<BridgeOptions, 'gateway' | 'namespace'>> = {}): void {
  using routes = new RouteSocket(namespace);
  const link = routes.link(name);
  if (link?.kind !== 'bridge' || link.group !== BRIDGE_GROUP || (gateway !== undefined && link.address !== macOf(gateway))) return;
  const refusal = routes.try(deleteLink(name)).refused.get(0);
  if (refusal && refusal.code !== 'ENODEV') throw refusal;
}

/** Takes an address off a bridge that an engine has made, or with `given` off any; one that it has not changes nothing. */
export function removeBridgeAddress({ name, gateway, prefixLength, namespace = -1 }: Omit<BridgeOptions, 'mtu'>, { given = false } = {}): void {
  using routes = new RouteSocket(namespace);
  const link = routes.link(name);
  if (link?.kind !== 'bridge' || (link.group !== BRIDGE_GROUP && !given)) return;
  const refusal = routes.try(deleteAddress(link.index, gateway, prefixLength)).refused.get(0);
  if (refusal && refusal.code !== 'EADDRNOTAVAIL') throw refusal;
}
