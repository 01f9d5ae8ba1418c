import type { FileSizes as Sizes, MeasureFiles } from '#contracts/executor/host.js';
import { BerthError } from '#libs/errors/errors.js';
import type { ContainerFiles } from '../../adapters/host/container-files.js';
import type { KeptRemovals } from '../../adapters/host/kept-removals.js';
import type { VolumeDirectories } from '../../adapters/host/volume-directories.js';
import type { Snapshotter } from '../../adapters/snapshots/snapshotter.js';
import { TreeThreads } from '../../adapters/trees/tree-threads.js';

/** What is counted, is counted for whoever asks until then: more threads would not make one disk faster. */
const COUNTING_THREADS = 1;
/** As dockerd has it. */
const UNKNOWN = -1;

/**
 * How much containers have written, and volumes hold: counted anew each time, but a directory once for all who ask meanwhile. On a thread of its own, which no create, pull or
 * copy waits for, however many are looked at and however large they are.
 */
export class FileSizes {
  private readonly counts = new Map<string, Promise<number>>();

  constructor(
    private readonly files: Pick<ContainerFiles, 'directory'>,
    private readonly volumes: Pick<VolumeDirectories, 'data'>,
    private readonly kept: Pick<KeptRemovals, 'directories'>,
    private readonly roots: () => Pick<Snapshotter, 'written'>,
    private readonly threads: Pick<TreeThreads, 'run' | 'close'> = new TreeThreads(COUNTING_THREADS),
  ) {}

  async measure({ containers, volumes, kept = [] }: Omit<MeasureFiles, 'reply'>): Promise<Sizes> {
    const measured = async (names: readonly string[], bytesOf: (name: string) => Promise<number>): Promise<Record<string, number>> => Object.fromEntries(await Promise.all(names.map(async (name) => [name, await bytesOf(name)] as const)));
    return {
      containers: await measured(containers, (container) => this.writtenBy(container)),
      volumes: await measured(volumes, (volume) => this.count(this.volumes.data(volume))),
      kept: await measured(kept, (container) => this.sum(this.kept.directories(container))),
      withImage: this.roots().written.withImage,
    };
  }

  writtenBy(container: string): Promise<number> {
    return this.count(`${this.files.directory(container)}/${this.roots().written.path}`);
  }

  close(): Promise<void> {
    return this.threads.close();
  }

  private async sum(directories: readonly string[]): Promise<number> {
    const counts: number[] = [];
    for (const directory of directories) counts.push(await this.count(directory));
    return counts.includes(UNKNOWN) ? UNKNOWN : counts.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** One that the disk does not let be counted says nothing of the others. */
  private count(directory: string): Promise<number> {
    const underWay = this.counts.get(directory);
    if (underWay !== undefined) return underWay;
    const count = this.threads
      .run('treeSize', { directory })
      .catch((error: unknown) => (error instanceof BerthError && error.kind === 'unavailable' ? Promise.reject(error) : UNKNOWN))
      .finally(() => this.counts.delete(directory));
    this.counts.set(directory, count);
    return count;
  }
}
