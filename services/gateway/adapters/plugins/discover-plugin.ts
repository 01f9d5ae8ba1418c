import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, notFound, unavailable } from '#libs/errors/errors.js';

/** Where a plugin answers. */
export type PluginAddress =
  | { readonly socketPath: string }
  | { readonly url: string; readonly tls?: { readonly insecure: boolean; readonly ca?: string; readonly cert?: string; readonly key?: string } };

export interface PluginFolders {
  /** Of sockets: "<name>.sock", or a folder of that name with one in it. */
  readonly sockets: string;
  /** Of files that tell an address: "<name>.spec", "<name>.json". */
  readonly specs: readonly string[];
}

/** dockerd's own. */
export const PLUGIN_FOLDERS: PluginFolders = { sockets: '/run/docker/plugins', specs: ['/etc/docker/plugins', '/usr/lib/docker/plugins'] };

const LARGEST_SPEC_BYTES = 64 * 1024;

/** The plugin called `name`, looked for where and in the order that dockerd does. Rejects as not found, or as unavailable where its spec is none. */
export async function discoverPlugin(name: string, { sockets, specs }: PluginFolders): Promise<PluginAddress> {
  const places = [
    ...candidates(sockets, name, '.sock').map((path) => ({ path, kind: 'socket' })),
    ...specs.flatMap((folder) => [...candidates(folder, name, '.spec'), ...candidates(folder, name, '.json')]).map((path) => ({ path, kind: 'file' })),
  ];
  const closed: string[] = [];
  for (const { path, kind } of places) {
    const found = await kindOf(path);
    if (found === 'closed') closed.push(path);
    if (found === kind) return found === 'socket' ? { socketPath: path } : readSpec(path);
  }
  throw notFound(`plugin not found${closed.length > 0 ? ` (the engine's user may not look at ${closed.join(', ')})` : ''}`);
}

const candidates = (folder: string, name: string, ending: string): readonly string[] => [join(folder, `${name}${ending}`), join(folder, name, `${name}${ending}`)];

async function kindOf(path: string): Promise<'socket' | 'file' | 'none' | 'closed'> {
  try {
    const found = await stat(path);
    return found.isSocket() ? 'socket' : found.isFile() && found.size <= LARGEST_SPEC_BYTES ? 'file' : 'none';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'closed' : 'none';
  }
}

async function readSpec(path: string): Promise<PluginAddress> {
  const text = (await readFile(path, 'utf8')).trim();
  if (path.endsWith('.spec')) return addressOf(text, path);
  let spec: unknown;
  try {
    spec = JSON.parse(text);
  } catch (error) {
    throw unavailable(`${path}: ${errorMessage(error)}`, error);
  }
  const { Addr, TLSConfig } = fields(spec);
  const address = addressOf(typeof Addr === 'string' ? Addr : '', path);
  if (TLSConfig === undefined || TLSConfig === null || 'socketPath' in address) return address;
  const { InsecureSkipVerify, CAFile, CertFile, KeyFile } = fields(TLSConfig);
  const file = (name: string, value: unknown): object => (typeof value === 'string' && value !== '' ? { [name]: value } : {});
  return { url: address.url.replace(/^http:/, 'https:'), tls: { insecure: InsecureSkipVerify === true, ...file('ca', CAFile), ...file('cert', CertFile), ...file('key', KeyFile) } };
}

/** "unix:///path", "tcp://host:port", "http://…" and "https://…". */
function addressOf(text: string, path: string): PluginAddress {
  const [, scheme = '', rest = ''] = /^(\w+):\/\/(.+)$/.exec(text) ?? [];
  if (scheme === 'unix') return { socketPath: rest };
  if (scheme === 'tcp' || scheme === 'http') return { url: `http://${rest}` };
  if (scheme === 'https') return { url: text };
  throw unavailable(`${path}: "${text}" is no plugin's address: unix://PATH or tcp://HOST:PORT is needed`);
}

const fields = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {});
