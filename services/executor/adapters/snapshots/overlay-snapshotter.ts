import { mkdirSync } from 'node:fs';
import { MountPointLayers } from './mount-point-layers.js';
import { refuseOther, type ContainerRoot, type RootSource, type Snapshotter } from './snapshotter.js';

/** overlayfs: nothing is copied before it is changed. */
export class OverlaySnapshotter implements Snapshotter {
  readonly driver = 'overlay2';
  readonly written = { path: 'diff', withImage: false };

  private readonly mountPoints: MountPointLayers;

  constructor(private readonly layersDirectory: string) {
    this.mountPoints = new MountPointLayers(layersDirectory);
  }

  async prepare({ directory, layers }: ContainerRoot): Promise<RootSource> {
    const [upper, work] = [`${directory}/diff`, `${directory}/work`];
    const made = mkdirSync(upper, { recursive: true, mode: 0o755 });
    mkdirSync(work, { recursive: true, mode: 0o700 });
    if (made !== undefined) refuseOther(`${directory}/root`, 'vfs');
    const over = this.mountPoints.over(layers);
    return { overlay: { baseDirectory: this.layersDirectory, lower: over === undefined ? layers : [over, ...layers], upper, work } };
  }
}
