import { mkdirSync } from 'node:fs';
import { MountPointLayers } from './mount-point-layers.js';
import { overlayOptions } from './overlay-options.js';
import { refuseOther, type ContainerRoot, type RootSource, type Snapshotter } from './snapshotter.js';

const UPPER = { name: 'diff', mode: 0o755 } as const;
const WORK = { name: 'work', mode: 0o700 } as const;

/** overlayfs: nothing is copied before it is changed. */
export class OverlaySnapshotter implements Snapshotter {
  readonly driver = 'overlay2';
  readonly own = [UPPER, WORK];
  readonly written = { path: UPPER.name, withImage: false };

  private readonly mountPoints: MountPointLayers;
  private options = '';

  constructor(private readonly layersDirectory: string) {
    this.mountPoints = new MountPointLayers(layersDirectory);
  }

  async prepare({ directory, layers }: ContainerRoot): Promise<RootSource> {
    const [upper, work] = [`${directory}/${UPPER.name}`, `${directory}/${WORK.name}`];
    const made = mkdirSync(upper, { recursive: true, mode: UPPER.mode });
    mkdirSync(work, { recursive: true, mode: WORK.mode });
    if (made !== undefined) refuseOther(`${directory}/root`, 'vfs');
    const over = this.mountPoints.over(layers);
    this.options ||= overlayOptions();
    return { overlay: { baseDirectory: this.layersDirectory, lower: over === undefined ? layers : [over, ...layers], upper, work, options: this.options } };
  }
}
