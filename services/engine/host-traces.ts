import { rmdirSync } from 'node:fs';
import { cgroupDirectories, detect } from '#libs/cgroup/layout.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { removeBridge } from '../executor/adapters/network/bridge.js';
import { Firewall } from '../executor/adapters/network/firewall.js';

/**
 * Takes the default bridge that the engine has made, the firewall's table and the cgroups above containers' own off the host: for an engine that is stopped and has no container that runs
 * on. The next start makes them anew. What is not there changes nothing; a bridge that was an administrator's, and a cgroup that somebody else uses, stay.
 */
export async function removeHostTraces({ bridge, nftTable, cgroupParent }: Pick<EngineSettings, 'bridge' | 'nftTable' | 'cgroupParent'>): Promise<void> {
  removeBridge(bridge);
  await new Firewall(nftTable).removeRuleSet();
  for (const directory of new Set(cgroupDirectories(detect(), cgroupParent))) removeUnused(directory);
}

function removeUnused(cgroup: string): void {
  try {
    rmdirSync(cgroup);
  } catch (error) {
    if (!['ENOENT', 'EBUSY', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
