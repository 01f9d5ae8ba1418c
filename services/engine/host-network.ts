import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { removeBridge } from '../executor/adapters/network/bridge.js';
import { Firewall } from '../executor/adapters/network/firewall.js';

/**
 * Takes the default bridge and the firewall's table off the host: for an engine that is stopped and has no container that runs on. The next start makes
 * them anew. What is not there changes nothing.
 */
export async function removeHostNetwork({ bridge, nftTable }: Pick<EngineSettings, 'bridge' | 'nftTable'>): Promise<void> {
  removeBridge(bridge);
  await new Firewall(nftTable).removeRuleSet();
}
