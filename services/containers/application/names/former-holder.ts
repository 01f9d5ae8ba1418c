import { isContainerName } from '../../domain/name/container-name.js';
import type { Names } from './container-directory.js';

/** The container that a full id or a name meant last, also where it is there no more, or called otherwise: a name says in its history whose it was. */
export async function formerHolder(names: Pick<Names, 'history'>, reference: string): Promise<string | undefined> {
  if (/^[0-9a-f]{64}$/.test(reference)) return reference;
  const name = reference.replace(/^\//, '');
  if (!isContainerName(name)) return undefined;
  // Claimed by it, where its release is under way.
  return (await names.history(name)).at(-1)?.container;
}
