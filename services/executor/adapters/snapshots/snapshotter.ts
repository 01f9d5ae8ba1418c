import { existsSync } from 'node:fs';
import { conflict } from '#libs/errors/errors.js';

/** What a container's root is made of: layers that the kernel merges, or a whole tree. */
export type RootSource =
  | { readonly overlay: { readonly baseDirectory: string; readonly lower: readonly string[]; readonly upper: string; readonly work: string; readonly options: string } }
  | { readonly directory: string };

export interface ContainerRoot {
  /** The container's own directory, which exists. What a snapshotter makes is below it and is removed with it. */
  readonly directory: string;
  /** Names of whole layers in the layers' directory, top first. Never changed. */
  readonly layers: readonly string[];
}

/**
 * How the root of a container is made of unpacked layers, which the LayerStore keeps. The life of a root: `prepare` before each start, which makes what is missing
 * and keeps what the container wrote at its last one; the shim mounts what that returned, where the host does not see it; then the container's directory is removed.
 * A `prepare` that is cut short leaves nothing that the next one takes for whole. At most one `prepare` of a container at a time.
 */
export interface Snapshotter {
  /** As `docker info` calls it. */
  readonly driver: 'overlay2' | 'vfs';
  /** Directories that it makes in the container's own, and finds there where somebody was quicker. */
  readonly own: readonly { readonly name: string; readonly mode: number }[];
  /** Where in the container's directory lies what it wrote; `withImage`: among all that its image has. */
  readonly written: { readonly path: string; readonly withImage: boolean };
  /** Rejects as a conflict where the container was made with another driver, whose files it would not see. */
  prepare(root: ContainerRoot): Promise<RootSource>;
}

/** `made`: what the other driver makes first. Looked for in place: sooner than a thread would. */
export function refuseOther(made: string, driver: Snapshotter['driver']): void {
  if (existsSync(made)) throw conflict(`the container's files were made with the storage driver ${driver}: start the engine with BERTH_STORAGE_DRIVER=${driver} to use them`);
}
