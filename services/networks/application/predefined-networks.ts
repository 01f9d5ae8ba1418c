import { createHash, randomUUID } from 'node:crypto';
import type { RequestContext } from '#contracts/request.js';
import { BerthError, conflict } from '#libs/errors/errors.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { formatIpv4, parseSubnet } from '../domain/ipv4.js';
import type { NetworkCommand } from '../domain/network/network-decider.js';
import type { Networks, Pools } from './network-directory.js';

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

/**
 * Makes the bridge network what the settings say by now, where they say something else than at the start that created it. Rejects as conflict while containers have addresses
 * of it: with other ones they would be of no network, and to go on with the old would be to drop a setting without a word.
 */
export async function followSettings(settings: EngineSettings, networks: Networks, pools: Pools, at: string): Promise<void> {
  for (const { id, driver, subnet, gateway, bridge, options } of predefinedNetworks(settings, at)) {
    const { state } = networks.get(id);
    if (driver !== 'bridge' || state.status === 'absent') continue;
    const heldBy = Array.from(pools.get(id).state.endpoints.values(), ({ name }) => name);
    await networks.execute(id, { type: 'Change', id, subnet, gateway, bridge, options, heldBy, at }, NETWORKS).catch((error: unknown) => {
      if (!(error instanceof BerthError) || error.kind !== 'conflict') throw error;
      throw conflict(`BERTH_SUBNET=${settings.subnet} BERTH_BRIDGE=${settings.bridge}: ${error.message}. Start with BERTH_SUBNET=${state.subnet} BERTH_BRIDGE=${state.bridge}, and stop these first`);
    });
  }
}
