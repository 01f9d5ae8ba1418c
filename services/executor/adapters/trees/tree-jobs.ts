import { unpackLayer, type UnpackJob } from '../snapshots/unpack-layer.js';

/** Work on whole directory trees: too long for the thread that starts containers. All of it can be sent to another thread: plain data in, plain data out. */
export interface TreeJobs {
  readonly unpackLayer: { readonly job: UnpackJob; readonly result: number };
}

export type TreeJobName = keyof TreeJobs;

export const TREE_JOBS: { readonly [Name in TreeJobName]: (job: TreeJobs[Name]['job']) => Promise<TreeJobs[Name]['result']> } = {
  unpackLayer,
};
