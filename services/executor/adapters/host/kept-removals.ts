import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { OBJECT_ID } from '#contracts/object-id.js';
import { invalid } from '#libs/errors/errors.js';
import { isUnmovable, type Trash } from './trash.js';

/** A name becomes one path component, never more: checked here, since this process is root. */
const VOLUME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const VOLUMES = '.volumes';
/** Among the volumes, and the name of none. */
export const KEPT_VOLUMES = '.kept';

/**
 * Where files of removed containers wait, as they were, until they come back or go for good: `kept/<container>`, and beside it the volumes that went with it, or, where volumes are on a disk
 * of their own, `volumes/.kept/<container>`. All is renamed within one file system, so that a removal that keeps is as fast as one that does not; what cannot be renamed is not kept.
 */
export class KeptRemovals {
  constructor(
    private readonly dataRoot: string,
    private readonly trash: Trash,
  ) {}

  /** Nothing at `directory`: nothing happens. Asked again, whatever is there was made by one that came too late for the container. False: it cannot be moved, and is where it was. */
  keepContainer(container: string, directory: string): boolean {
    return unlessUnmovable(() => (existsSync(this.of(container)) ? this.trash.take(directory) : moved(directory, this.of(container))));
  }

  /** As it was before `keepContainer`; its volumes are back already. */
  restoreContainer(container: string, directory: string): void {
    // What is there beside what was kept was made by one that came too late for the container.
    if (existsSync(this.of(container))) this.trash.take(directory);
    moved(this.of(container), directory);
    for (const place of this.volumesOf(container)) if (existsSync(place)) rmdirSync(place);
  }

  /** As `keepContainer`. */
  keepVolume(container: string, name: string, directory: string): boolean {
    if (!existsSync(directory)) return true;
    return this.volumesOf(container).some((place) =>
      unlessUnmovable(() => {
        mkdirSync(place, { recursive: true, mode: 0o700 });
        moved(directory, volumeIn(place, name));
      }),
    );
  }

  restoreVolume(container: string, name: string, directory: string): void {
    for (const place of this.volumesOf(container)) moved(volumeIn(place, name), directory);
  }

  /** `directory`: where its files are until they are put aside. */
  look(container: string, directory: string): { files: boolean; volumes: string[] } {
    return { files: existsSync(this.of(container)) || existsSync(directory), volumes: this.volumesOf(container).flatMap(namesIn) };
  }

  /** Every directory in which something of the container is kept. */
  directories(container: string): readonly string[] {
    return [this.of(container), ...this.volumesOf(container)];
  }

  async discard(container: string): Promise<void> {
    for (const directory of this.directories(container)) await this.trash.remove(directory);
  }

  async sweep(containers: ReadonlySet<string>): Promise<void> {
    // Read at once: what is kept from now on was asked for after these containers were counted.
    const all = [join(this.dataRoot, 'kept'), this.besideVolumes].flatMap((place) => namesIn(place).map((name) => ({ path: join(place, name), container: name.replace(VOLUMES, '') })));
    for (const { path, container } of all) if (!containers.has(container)) await this.trash.remove(path);
  }

  private of(container: string): string {
    if (!OBJECT_ID.test(container)) throw invalid(`"${container}" is no container's id`);
    return join(this.dataRoot, 'kept', container);
  }

  /** Tried in this order. */
  private volumesOf(container: string): readonly string[] {
    return [`${this.of(container)}${VOLUMES}`, join(this.besideVolumes, container)];
  }

  private get besideVolumes(): string {
    return join(this.dataRoot, 'volumes', KEPT_VOLUMES);
  }
}

function volumeIn(place: string, name: string): string {
  if (!VOLUME.test(name)) throw invalid(`"${name}" cannot be the name of a volume`);
  return join(place, name);
}

const namesIn = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory) : []);

function unlessUnmovable(move: () => void): boolean {
  try {
    move();
    return true;
  } catch (error) {
    if (!isUnmovable(error)) throw error;
    return false;
  }
}

/** Moved before, or never there: nothing happens. */
function moved(from: string, to: string): void {
  // Looked at first: between two disks what is not there cannot be moved either.
  if (existsSync(from)) renameSync(from, to);
}
