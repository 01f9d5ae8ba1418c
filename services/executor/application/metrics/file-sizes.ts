import type { FileSizes, MeasureFiles } from '#contracts/executor/host.js';
import type { ContainerFiles } from '../../adapters/host/container-files.js';
import type { KeptRemovals } from '../../adapters/host/kept-removals.js';
import type { VolumeDirectories } from '../../adapters/host/volume-directories.js';
import type { Snapshotter } from '../../adapters/snapshots/snapshotter.js';
import type { TreeThreads } from '../../adapters/trees/tree-threads.js';

/** How much containers have written, and volumes hold: counted anew each time, beside the thread that starts containers. */
export async function measureFiles({ containers, volumes, kept = [] }: Omit<MeasureFiles, 'reply'>, parts: { readonly files: ContainerFiles; readonly volumes: VolumeDirectories; readonly kept: KeptRemovals; readonly roots: Snapshotter; readonly trees: Pick<TreeThreads, 'run'> }): Promise<FileSizes> {
  const { files, roots, trees } = parts;
  const { path, withImage } = roots.written;
  const sumOf = async (directories: readonly string[]): Promise<number> => {
    let bytes = 0;
    for (const directory of directories) bytes += await trees.run('treeSize', { directory });
    return bytes;
  };
  const measured = async (names: readonly string[], directoriesOf: (name: string) => readonly string[]): Promise<Record<string, number>> =>
    Object.fromEntries(await Promise.all(names.map(async (name) => [name, await sumOf(directoriesOf(name))] as const)));
  return {
    containers: await measured(containers, (container) => [`${files.directory(container)}/${path}`]),
    volumes: await measured(volumes, (volume) => [parts.volumes.data(volume)]),
    kept: await measured(kept, (container) => parts.kept.directories(container)),
    withImage,
  };
}
