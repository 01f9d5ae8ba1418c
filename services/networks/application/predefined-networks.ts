import { createHash, randomUUID } from 'node:crypto';
import type { RequestContext } from '#contracts/request.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { formatIpv4, parseSubnet } from '../domain/ipv4.js';
import type { NetworkCommand } from '../domain/network/network-decider.js';

type Create = Extract<NetworkCommand, { type: 'Create' }>;

/** Who acts when nobody asked. */
export const NETWORKS: RequestContext = { actor: 'service:networks', correlationId: randomUUID(), causationId: 'startup' };

/** bridge, host and none, as every Docker engine has them. Their ids derive from the data root, so that asking twice creates them once. */
export function predefinedNetworks(settings: EngineSettings, at: string): Create[] {
  const subnet = parseSubnet(settings.subnet);
  const id = (name: string): string => createHash('sha256').update(`network ${name} ${settings.dataRoot}`).digest('hex');
  const common = { type: 'Create', mtu: 1500, internal: false, labels: {}, at } as const;
  const options = {
    'com.docker.network.bridge.default_bridge': 'true',
    'com.docker.network.bridge.enable_icc': 'true',
    'com.docker.network.bridge.enable_ip_masquerade': 'true',
    'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
    'com.docker.network.bridge.name': settings.bridge,
    'com.docker.network.driver.mtu': '1500',
  };
  return [
    { ...common, id: id('bridge'), name: 'bridge', driver: 'bridge', subnet: `${formatIpv4(subnet.base)}/${subnet.prefixLength}`, gateway: formatIpv4(subnet.base + 1), bridge: settings.bridge, options },
    { ...common, id: id('host'), name: 'host', driver: 'host', subnet: '', gateway: '', bridge: '', options: {} },
    { ...common, id: id('none'), name: 'none', driver: 'null', subnet: '', gateway: '', bridge: '', options: {} },
  ];
}
