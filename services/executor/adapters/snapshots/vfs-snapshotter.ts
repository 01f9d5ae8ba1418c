import { existsSync } from 'node:fs';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import type { TreeThreads } from '../trees/tree-threads.js';
import { MountPointLayers } from './mount-point-layers.js';
import { refuseOther, type ContainerRoot, type RootSource, type Snapshotter } from './snapshotter.js';

/** A whole copy a container, where the kernel or the data root's file system has no overlay: slow and large, and it works everywhere. */
export class VfsSnapshotter implements Snapshotter {
  readonly driver = 'vfs';
  readonly own = [];
  readonly written = { path: 'root', withImage: true };

  private readonly mountPoints: MountPointLayers;

  constructor(
    private readonly layersDirectory: string,
    private readonly threads: Pick<TreeThreads, 'run'>,
  ) {
    this.mountPoints = new MountPointLayers(layersDirectory);
  }

  /** Whether it made the root of the container with this directory. */
  static made(directory: string): boolean {
    const whole = `${directory}/root`;
    return existsSync(whole);
  }

  async prepare({ directory, layers }: ContainerRoot): Promise<RootSource> {
    const whole = `${directory}/root`;
    const isThere = await access(whole).then(() => true, () => false);
    if (!isThere) {
      refuseOther(`${directory}/diff`, 'overlay2');
      const half = `${directory}/root.new`;
      await rm(half, { recursive: true, force: true });
      await mkdir(half, { mode: 0o755 });
      const over = this.mountPoints.over(layers);
      await this.threads.run('mergeLayers', { directory: this.layersDirectory, layers: over === undefined ? layers : [over, ...layers], target: half });
      await rename(half, whole);
    }
    return { directory: whole };
  }
}
