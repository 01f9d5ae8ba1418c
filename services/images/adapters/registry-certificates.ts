import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { errorMessage, unclassified } from '#libs/errors/errors.js';
import { setting } from '#libs/settings/setting-table.js';

/** What a TLS connection is made with, as node:https takes it. */
export interface RegistryCertificates {
  /** Who is believed: whom the machine believes, and those of the folder. */
  readonly ca?: string[];
  /** As whom we show ourselves. */
  readonly cert?: string[];
  readonly key?: string[];
}

/** How folders are looked at. */
export interface FolderLook {
  readonly readdir: (folder: string) => Promise<string[]>;
  readonly stat: (path: string) => Promise<unknown>;
}

/**
 * What the operator laid down for the host that `url` asks, as for dockerd: in `<folder>/<host>[:port]`, `*.crt` are authorities, `*.cert` and `*.key` of one name show us to the registry. Read anew for
 * each question. Undefined: there is nothing. Rejects, in dockerd's words, for one of a pair without the other, and for what cannot be read.
 */
export async function registryCertificates({ hostname, port }: URL, folder = setting(process.env, 'BERTH_REGISTRY_CERTS'), look: FolderLook = { readdir, stat }): Promise<RegistryCertificates | undefined> {
  const names = port === '' ? [hostname, `${hostname}:443`] : [`${hostname}:${port}`];
  const found = await Promise.all(names.map((name) => certificatesIn(join(folder, name), look)));
  const [ca, cert, key] = (['ca', 'cert', 'key'] as const).map((kind) => found.flatMap((one) => one[kind]));
  if (ca === undefined || cert === undefined || key === undefined || ca.length + cert.length === 0) return undefined;
  return { ...(ca.length > 0 ? { ca: [...getCACertificates('default'), ...ca] } : {}), ...(cert.length > 0 ? { cert, key } : {}) };
}

async function certificatesIn(folder: string, look: FolderLook): Promise<Required<RegistryCertificates>> {
  const names = (await look.readdir(folder).catch((error: unknown) => ifThere(error, folder, look))).toSorted();
  const has = (name: string): boolean => names.includes(name);
  const authorities = names.filter((name) => name.endsWith('.crt'));
  const pairs = names.filter((name) => name.endsWith('.cert')).map((name) => [name, name.replace(/cert$/, 'key')] as const);
  const alone = pairs.find(([, key]) => !has(key));
  if (alone !== undefined) throw unclassified(`missing key ${alone[1]} for client certificate ${alone[0]}. CA certificates must use the extension .crt`);
  const without = names.find((name) => name.endsWith('.key') && !has(name.replace(/key$/, 'cert')));
  if (without !== undefined) throw unclassified(`missing client certificate ${without.replace(/key$/, 'cert')} for key ${without}`);
  const read = (all: readonly string[]): Promise<string[]> => Promise.all(all.map((name) => readFile(join(folder, name), 'utf8').catch(unreadable)));
  return { ca: await read(authorities), cert: await read(pairs.map(([cert]) => cert)), key: await read(pairs.map(([, key]) => key)) };
}

async function ifThere(error: unknown, folder: string, look: FolderLook): Promise<string[]> {
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return [];
  // Nobody has said that there is something: of an /etc/docker that is closed to us no pull is to fail.
  const isHidden = code === 'EACCES' && !process.env['BERTH_REGISTRY_CERTS'] && (await look.stat(folder).catch(codeOf)) === 'EACCES';
  return isHidden ? [] : unreadable(error);
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

function unreadable(error: unknown): never {
  throw unclassified(`a registry's certificates cannot be read: ${errorMessage(error)}`, error);
}
