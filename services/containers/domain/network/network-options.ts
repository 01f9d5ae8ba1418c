import type { CreateContainer } from '#contracts/containers/commands.js';
import { invalid } from '#libs/errors/errors.js';
import { isIpAddress, isIpv4Address } from './ip-address.js';

type Wish = Pick<CreateContainer, 'config' | 'hostConfig' | 'networks'>;

const PREDEFINED = new Set(['default', 'bridge', 'host', 'none']);

/** What a network that everybody has cannot give. Throws invalid in dockerd's words. */
export function checkNetworkOptions({ config, hostConfig, networks }: Wish): void {
  for (const [name, { address, ipv6Address, linkLocalAddresses = [], aliases, mac }] of Object.entries(networks ?? {})) {
    checkMac(name, mac);
    if (!PREDEFINED.has(name)) continue;
    const wrong = (...why: readonly string[]): Error => invalid(`invalid config for network ${name}: invalid endpoint settings:\n${why.length === 1 ? why[0] : why.map((one) => `* ${one}`).join('\n')}`);
    const isAddressed = Boolean(address || ipv6Address);
    const faults = [
      ...(isAddressed ? ['user specified IP address is supported on user defined networks only'] : []),
      ...(aliases && aliases.length > 0 ? ['network-scoped alias is supported only for containers in user defined networks'] : []),
      ...(address && !isIpv4Address(address) ? [`invalid IPv4 address: ${address}`] : []),
      ...(ipv6Address && !isIpAddress(ipv6Address) ? [`invalid IPv6 address: ${ipv6Address}`] : []),
      ...(isAddressed ? ['user specified IP address is supported only when connecting to networks with user configured subnets'] : []),
    ];
    if (faults.length > 0) throw wrong(...faults);
    for (const one of linkLocalAddresses) checkLinkLocal(one, wrong);
  }
  checkMac(hostConfig.NetworkMode ?? 'bridge', config.MacAddress);
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

function checkMac(network: string, mac: string | undefined): void {
  if (mac && !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) throw invalid(`invalid config for network ${network}: invalid MAC address ${mac}`);
}
