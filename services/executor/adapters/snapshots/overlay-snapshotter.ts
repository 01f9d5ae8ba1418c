import { existsSync, mkdirSync } from 'node:fs';
import { MountPointLayers } from './mount-point-layers.js';
import { overlayOptions } from './overlay-options.js';
import { refuseOther, type ContainerRoot, type RootSource, type Snapshotter } from './snapshotter.js';

const UPPER = { name: 'diff', mode: 0o755 } as const;
/** Its name is the note that the upper directory beside it was never mounted with other options than these: one that is read at a start costs nothing more. */
const WORK = { name: 'work-whole', mode: 0o700 } as const;
/** Of a release that mounted with the kernel's defaults, whatever they were: what it left in the upper directory may need them to be read. */
const FORMER_WORK = { ...WORK, name: 'work' } as const;

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
    const upper = `${directory}/${UPPER.name}`;
    if (!existsSync(upper)) {
      refuseOther(`${directory}/root`, 'vfs');
      // The note first: an upper directory without it is a former release's.
      mkdirSync(`${directory}/${WORK.name}`, { recursive: true, mode: WORK.mode });
      mkdirSync(upper, { recursive: true, mode: UPPER.mode });
    }
    const over = this.mountPoints.over(layers);
    return { overlay: { baseDirectory: this.layersDirectory, lower: over === undefined ? layers : [over, ...layers], upper, ...this.mountedAs(directory) } };
  }

  private mountedAs(directory: string): { readonly work: string; readonly options: string } {
    const work = `${directory}/${WORK.name}`;
    if (existsSync(work)) return { work, options: (this.options ||= overlayOptions()) };
    const former = `${directory}/${FORMER_WORK.name}`;
    mkdirSync(former, { recursive: true, mode: FORMER_WORK.mode });
    return { work: former, options: '' };
  }
}
