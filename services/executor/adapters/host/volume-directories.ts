import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { invalid } from '#libs/errors/errors.js';
import { failpoint } from '#libs/failpoint/failpoint.js';
import type { TreeThreads } from '../trees/tree-threads.js';
import { type FillJob, hasUnfinishedCopy } from './fill-volume.js';
import { KEPT_VOLUMES } from './kept-removals.js';
import type { Trash } from './trash.js';

/** A name becomes one path component below the volumes' folder, never more: checked here again, since this process is root. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export class VolumeDirectories {
  private readonly filling = new Map<string, Promise<void>>();

  constructor(
    private readonly dataRoot: string,
    private readonly threads: Pick<TreeThreads, 'run'>,
    private readonly trash: Pick<Trash, 'remove'>,
  ) {}

  /** Where the volume's files are, or would be. */
  data(name: string): string {
    return join(this.of(name), '_data');
  }

  /** The volume's own directory, in which its files are. */
  of(name: string): string {
    if (!NAME.test(name)) throw invalid(`"${name}" cannot be the name of a volume`);
    return join(this.dataRoot, 'volumes', name);
  }

  /** The volume's own directory, made if it is not there. */
  async ensure(name: string): Promise<string> {
    const path = this.data(name);
    await mkdir(this.of(name), { recursive: true, mode: 0o701 });
    await failpoint('volume.half-made');
    await mkdir(path, { recursive: true, mode: 0o755 });
    return path;
  }

  /** Fills a volume, or the part of it at `subpath`, if it is empty, with what an image holds at `path`. One fill of a volume at a time: the second finds what the first one made. */
  async fill(name: string, image: FillJob['image'], path: string, subpath?: string): Promise<void> {
    const volume = this.of(name);
    // Nearly always: no thread need look into it.
    if (subpath === undefined && !this.filling.has(name) && (await readdir(join(volume, '_data'))).length > 0 && !hasUnfinishedCopy(volume)) return;
    const work = (this.filling.get(name) ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => this.threads.run('fillVolume', { image, path, volume, ...(subpath === undefined ? {} : { subpath }) }));
    this.filling.set(name, work);
    try {
      await work;
    } finally {
      if (this.filling.get(name) === work) this.filling.delete(name);
    }
  }

  /** Out of the way at once, however much there is in it, but where volumes are on a disk of their own, or this one is too full for that. Whoever asks again there waits for the same removal. */
  async remove(name: string): Promise<void> {
    await this.trash.remove(this.of(name));
  }

  async list(): Promise<{ readonly whole: readonly string[]; readonly half: readonly string[] }> {
    const names = (await readdir(join(this.dataRoot, 'volumes'))).filter((name) => name !== KEPT_VOLUMES);
    const half = names.filter((name) => !existsSync(join(this.dataRoot, 'volumes', name, '_data')));
    return { whole: names.filter((name) => !half.includes(name)), half };
  }
}
