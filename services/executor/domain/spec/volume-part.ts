import type { ContainerMount } from '#contracts/containers/container-state.js';
import { type BerthError, invalid } from '#libs/errors/errors.js';

export interface VolumePart {
  /** The directory of a volume's files. */
  readonly volume: string;
  /** In there. Containers fill it, and nothing in it leads out. */
  readonly below: string;
}

/**
 * A bind of what lies in one of the engine's volumes, by its path on the host, is a part of that volume: containers fill it, and what they put in the way, such as a symlink, leads nowhere else.
 * Any other mount is as it was. `folders`: names of the one that volumes are in.
 */
export function asVolumePart(mount: ContainerMount, folders: Iterable<string>): ContainerMount {
  const part = mount.type === 'bind' ? volumePartAt(mount.source, folders) : undefined;
  return part ? { ...mount, source: part.volume, subpath: part.below } : mount;
}

/** Undefined: the path is none in a volume, or a volume's whole directory. */
export function volumePartAt(path: string, folders: Iterable<string>): VolumePart | undefined {
  const names = namesOf(path);
  for (const folder of folders) {
    const above = namesOf(folder);
    const [volume, data, ...rest] = names.slice(above.length);
    const isIn = above.every((name, index) => name === names[index]) && volume !== '..' && data === '_data';
    if (isIn && rest.length > 0) return { volume: `${folder}/${volume}/_data`, below: rest.join('/') };
  }
  return undefined;
}

const namesOf = (path: string): readonly string[] => path.split('/').filter((name) => name !== '' && name !== '.');

/** In dockerd's words. */
export const noBindSource = (source: string): BerthError => invalid(`invalid mount config for type "bind": bind source path does not exist: ${source}`);
