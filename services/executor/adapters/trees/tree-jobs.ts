import type { PathStat } from '#contracts/containers/archives.js';
import type { PathChange } from '#contracts/executor/archives.js';
import type { Fd } from '#libs/linux/native.js';
import { removeTreeSync } from '#libs/linux/remove-tree.js';
import { type CdiFiles, cdiFiles } from '../host/cdi-files.js';
import { type FillJob, fillVolume } from '../host/fill-volume.js';
import { findSourceHere, type SourceWish } from '../host/find-source.js';
import { type AbortJob, abortFuse } from '../host/fuse-connections.js';
import { askedDevices, namedDevices, throttledDevices } from '../host/host-devices.js';
import { readUserFiles, readUserFilesOf } from '../runtimes/user-files.js';
import type { UserFiles } from '../../domain/spec/container-user.js';
import type { VolumePart } from '../../domain/spec/volume-part.js';
import { checkLayer, type CheckJob, unpackLayer, type UnpackJob } from '../snapshots/unpack-layer.js';
import { checkTarget, type ExtractJob, extractArchive, type PathJob, readArchive, type ReadJob, statPath } from './root-jobs.js';
import { type HeldRoot, holdRunningRoot } from './held-root.js';
import { type MergeJob, mergeLayers } from './merge-layers.js';
import { type Layers, withMergedView } from './merged-view.js';
import { type MappedProbe, probeMappedOverlay } from './probe-mapped-overlay.js';
import { probeOverlay } from './probe-overlay.js';
import { removeAllIn } from './remove-all-in.js';
import { type ChangesJob, listChanges, packChanges } from './root-changes.js';
import { openStoppedRoot, type StoppedRoot } from './stopped-root.js';
import { treeSize } from './tree-size.js';
import { preparePart } from './volume-part.js';

/** Work on whole directory trees: too long for the thread that starts containers. All of it can be sent to another thread: plain data in, plain data out. */
export interface TreeJobs {
  readonly abortFuse: { readonly job: AbortJob; readonly result: void };
  readonly askedDevices: { readonly job: Parameters<typeof askedDevices>[0]; readonly result: ReturnType<typeof askedDevices> };
  readonly cdiFiles: { readonly job: readonly string[]; readonly result: CdiFiles };
  readonly checkTarget: { readonly job: Parameters<typeof checkTarget>[0]; readonly result: void };
  readonly extractArchive: { readonly job: ExtractJob; readonly result: void };
  readonly readArchive: { readonly job: ReadJob; readonly result: void };
  readonly statPath: { readonly job: PathJob; readonly result: PathStat };
  /** A descriptor, which whoever asked closes. */
  readonly openStoppedRoot: { readonly job: StoppedRoot; readonly result: Fd };
  /** A descriptor, which whoever asked closes. Undefined: a look into it may never end. */
  readonly holdRunningRoot: { readonly job: HeldRoot; readonly result: Fd | undefined };
  readonly checkLayer: { readonly job: CheckJob; readonly result: void };
  readonly fillVolume: { readonly job: FillJob; readonly result: void };
  readonly findSource: { readonly job: SourceWish; readonly result: string | undefined };
  readonly listChanges: { readonly job: ChangesJob; readonly result: readonly PathChange[] };
  readonly packChanges: { readonly job: Parameters<typeof packChanges>[0]; readonly result: void };
  /** For a bind of it: what is missing is made as directories, or, unless it is to be made, looked for. */
  readonly preparePart: { readonly job: VolumePart & { readonly makes: boolean }; readonly result: void };
  readonly mergeLayers: { readonly job: MergeJob; readonly result: void };
  readonly namedDevices: { readonly job: Parameters<typeof namedDevices>[0]; readonly result: ReturnType<typeof namedDevices> };
  readonly probeMappedOverlay: { readonly job: MappedProbe; readonly result: string | undefined };
  readonly probeOverlay: { readonly job: { readonly directory: string }; readonly result: boolean | undefined };
  /** All below a directory goes; the directory stays. */
  readonly removeAllIn: { readonly job: { readonly directory: string }; readonly result: void };
  /** What `path` names, and all below it. Nothing there: nothing happens. */
  readonly removeTree: { readonly job: { readonly path: string }; readonly result: void };
  /** The users and groups of an image, for a container that is about to be. */
  readonly readUserFiles: { readonly job: Layers; readonly result: UserFiles };
  /** Those of a running container, by its first process. */
  readonly readRunningUserFiles: { readonly job: { readonly container: string; readonly pid: number }; readonly result: UserFiles };
  readonly throttledDevices: { readonly job: Parameters<typeof throttledDevices>[0]; readonly result: ReturnType<typeof throttledDevices> };
  /** Bytes of the files below a directory. */
  readonly treeSize: { readonly job: { readonly directory: string }; readonly result: number };
  readonly unpackLayer: { readonly job: UnpackJob; readonly result: number };
}

export type TreeJobName = keyof TreeJobs;

export const TREE_JOBS: { readonly [Name in TreeJobName]: (job: TreeJobs[Name]['job']) => Promise<TreeJobs[Name]['result']> } = {
  abortFuse: async (job) => abortFuse(job),
  askedDevices: async (asked) => askedDevices(asked),
  cdiFiles,
  checkTarget,
  extractArchive,
  readArchive,
  statPath,
  holdRunningRoot: async (job) => holdRunningRoot(job),
  openStoppedRoot: async (job) => openStoppedRoot(job),
  checkLayer,
  fillVolume: async (job) => fillVolume(job),
  findSource: findSourceHere,
  listChanges,
  packChanges,
  preparePart: async (job) => preparePart(job),
  mergeLayers: async (job) => mergeLayers(job),
  namedDevices: async (nodes) => namedDevices(nodes),
  probeMappedOverlay,
  probeOverlay: async (job) => probeOverlay(job),
  removeAllIn: async (job) => removeAllIn(job),
  removeTree: async ({ path }) => removeTreeSync(path),
  readUserFiles: async (layers) => withMergedView(layers, readUserFiles),
  readRunningUserFiles: async ({ container, pid }) => readUserFilesOf(container, pid),
  throttledDevices: async (throttles) => throttledDevices(throttles),
  treeSize: async (job) => treeSize(job),
  unpackLayer,
};
