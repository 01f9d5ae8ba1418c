import { unavailable } from '#libs/errors/errors.js';
import type { PluginCalls } from '../../application/authorization-plugins.js';
import { discoverPlugin, type PluginAddress, type PluginFolders } from './discover-plugin.js';
import { callPlugin } from './plugin-client.js';

/** Calls plugins by their names: each is looked for and greeted (Plugin.Activate) before its first call, and again after one that failed, since it may have come back elsewhere. */
export function authorizationCalls(folders: PluginFolders): PluginCalls {
  const known = new Map<string, Promise<PluginAddress>>();
  const activated = (plugin: string): Promise<PluginAddress> => {
    const before = known.get(plugin);
    if (before !== undefined) return before;
    const address = activate(plugin, folders);
    known.set(plugin, address);
    return address;
  };
  return async (plugin, method, message) => {
    try {
      return await callPlugin(await activated(plugin), method, message);
    } catch (error) {
      known.delete(plugin);
      throw error;
    }
  };
}

async function activate(plugin: string, folders: PluginFolders): Promise<PluginAddress> {
  const address = await discoverPlugin(plugin, folders);
  const { Implements: roles } = await callPlugin(address, 'Plugin.Activate', {});
  if (!Array.isArray(roles) || !roles.includes('authz')) throw unavailable(`plugin "${plugin}" does not implement authz`);
  return address;
}
