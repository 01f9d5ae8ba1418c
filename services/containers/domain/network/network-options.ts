import type { CreateContainer } from '#contracts/containers/commands.js';
import { invalid } from '#libs/errors/errors.js';
import { isIpAddress } from './ip-address.js';

type Wish = Pick<CreateContainer, 'config' | 'hostConfig' | 'networks'>;

const PREDEFINED = new Set(['default', 'bridge', 'host', 'none']);

/** What a network that everybody has cannot give. Throws invalid in dockerd's words. */
export function checkNetworkOptions({ config, hostConfig, networks }: Wish): void {
  for (const [name, { address, ipv6Address, linkLocalAddresses = [], aliases, mac }] of Object.entries(networks ?? {})) {
    checkMac(mac);
    if (!PREDEFINED.has(name)) continue;
    const wrong = (why: string): Error => invalid(`invalid config for network ${name}: invalid endpoint settings:\n${why}`);
    if (address || ipv6Address) throw wrong('user specified IP address is supported on user defined networks only');
    for (const one of linkLocalAddresses) checkLinkLocal(one, wrong);
    if (aliases && aliases.length > 0) throw invalid('network-scoped alias is supported only for containers in user defined networks');
  }
  checkMac(config.MacAddress);
  const own = config.MacAddress || Object.values(networks ?? {}).some(({ mac }) => mac);
  if (!own) return;
  if (hostConfig.NetworkMode === 'host') throw invalid('conflicting options: mac-address and the network mode');
  if (hostConfig.NetworkMode?.startsWith('container:')) throw invalid('conflicting options: mac-address and the network mode');
}

/** The MAC address asked for, whichever of its two places a client wrote it in. */
export function macOf({ config, hostConfig, networks }: Wish): { MacAddress?: string } {
  const mac = networks?.[hostConfig.NetworkMode ?? 'bridge']?.mac || config.MacAddress;
  return mac ? { MacAddress: mac } : {};
}

/** The addresses asked for besides the one that its network gives it. A network that is none has none. */
export function linkLocalOf({ hostConfig, networks }: Wish): { readonly linkLocalAddresses?: readonly string[] } {
  const { linkLocalAddresses } = networks?.[hostConfig.NetworkMode ?? 'bridge'] ?? {};
  return linkLocalAddresses === undefined ? {} : { linkLocalAddresses };
}

/** dockerd would find out at the start: containers of the default bridge have no IPv6. */
function checkLinkLocal(address: string, wrong: (why: string) => Error): void {
  if (!isIpAddress(address) || address === '0.0.0.0' || address === '::') throw wrong(`invalid link-local IP address: ${address}`);
  if (address.includes(':')) throw wrong(`link-local IP address ${address}: this network has no IPv6`);
  if (!address.startsWith('169.254.')) throw wrong(`invalid link local IP address: ${address}`);
}

function checkMac(mac: string | undefined): void {
  if (mac && !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) throw invalid(`address ${mac}: invalid MAC address`);
}
