import { parentPort } from 'node:worker_threads';
import { toErrorReply } from '#libs/errors/errors.js';
import { newMountNamespace } from '#libs/linux/mounts.js';
import { TREE_JOBS, type TreeJobName, type TreeJobs } from './tree-jobs.js';

/** The thread's own side of TreeThreads. Its mounts are its own, so that it can look into an overlay that nobody else sees; no job leaves one there, or any other state of the thread, while it waits. */
newMountNamespace();
parentPort?.on('message', ({ id, name, job }: { readonly id: number; readonly name: TreeJobName; readonly job: TreeJobs[TreeJobName]['job'] }) => {
  // Which job has which argument is checked where it is sent.
  const work = TREE_JOBS[name] as (job: unknown) => Promise<unknown>;
  work(job).then(
    (result) => parentPort?.postMessage({ id, result }),
    (error: unknown) => parentPort?.postMessage({ id, error: toErrorReply(error) }),
  );
});
