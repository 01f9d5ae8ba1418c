import type { CreateContainer } from '#contracts/containers/commands.js';
import { invalid } from '#libs/errors/errors.js';

type Wish = Pick<CreateContainer, 'config' | 'hostConfig' | 'networks'>;

const PREDEFINED = new Set(['default', 'bridge', 'host', 'none']);

/** What a network that everybody has cannot give. Throws invalid in dockerd's words. */
export function checkNetworkOptions({ config, hostConfig, networks }: Wish): void {
  for (const [name, { address, aliases, mac }] of Object.entries(networks ?? {})) {
    checkMac(mac);
    if (!PREDEFINED.has(name)) continue;
    if (address) throw invalid(`invalid config for network ${name}: invalid endpoint settings:\nuser specified IP address is supported on user defined networks only`);
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

function checkMac(mac: string | undefined): void {
  if (mac && !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) throw invalid(`address ${mac}: invalid MAC address`);
}
