import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { OBJECT_ID } from '#contracts/object-id.js';
import { invalid } from '#libs/errors/errors.js';
import type { Trash } from './trash.js';

/** A name becomes one path component, never more: checked here, since this process is root. */
const VOLUME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const VOLUMES = '.volumes';

/**
 * Where files of removed containers wait, as they were, until they come back or go for good: `kept/<container>`, and beside it the volumes that went with it. All is renamed
 * within one file system, so that a removal that keeps is as fast as one that does not.
 */
export class KeptRemovals {
  constructor(
    private readonly dataRoot: string,
    private readonly trash: Trash,
  ) {}

  /** Nothing at `directory`: nothing happens. */
  keepContainer(container: string, directory: string): void {
    moved(directory, this.of(container));
  }

  /** As it was before `keepContainer`; its volumes are back already. */
  restoreContainer(container: string, directory: string): void {
    // What is there beside what was kept was made by one that came too late for the container.
    if (existsSync(this.of(container))) this.trash.take(directory);
    moved(this.of(container), directory);
    if (existsSync(this.volumesOf(container))) rmdirSync(this.volumesOf(container));
  }

  keepVolume(container: string, name: string, directory: string): void {
    if (!existsSync(directory)) return;
    mkdirSync(this.volumesOf(container), { recursive: true, mode: 0o700 });
    moved(directory, this.volume(container, name));
  }

  restoreVolume(container: string, name: string, directory: string): void {
    moved(this.volume(container, name), directory);
  }

  /** `directory`: where its files are until they are put aside. */
  look(container: string, directory: string): { files: boolean; volumes: string[] } {
    const volumes = this.volumesOf(container);
    return { files: existsSync(this.of(container)) || existsSync(directory), volumes: existsSync(volumes) ? readdirSync(volumes) : [] };
  }

  /** Every directory in which something of the container is kept. */
  directories(container: string): readonly string[] {
    return [this.of(container), this.volumesOf(container)];
  }

  discard(container: string): void {
    this.trash.take(this.of(container));
    this.trash.take(this.volumesOf(container));
  }

  sweep(containers: ReadonlySet<string>): void {
    // Read at once: what is kept from now on was asked for after these containers were counted.
    for (const name of readdirSync(join(this.dataRoot, 'kept'))) if (!containers.has(name.replace(VOLUMES, ''))) this.trash.take(join(this.dataRoot, 'kept', name));
  }

  private of(container: string): string {
    if (!OBJECT_ID.test(container)) throw invalid(`"${container}" is no container's id`);
    return join(this.dataRoot, 'kept', container);
  }

  private volumesOf(container: string): string {
    return `${this.of(container)}${VOLUMES}`;
  }

  private volume(container: string, name: string): string {
    if (!VOLUME.test(name)) throw invalid(`"${name}" cannot be the name of a volume`);
    return join(this.volumesOf(container), name);
  }
}

/** Moved before, or never there: nothing happens. */
function moved(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
