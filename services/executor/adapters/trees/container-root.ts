import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import type { IdMaps } from '#contracts/executor/id-maps.js';
import { type BerthError, conflict } from '#libs/errors/errors.js';
import { O_PATH, openat2, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';

/** A root as its processes see it, or as they would. */
export type RootJob =
  /** `ids`: of its user namespace, where it has not the host's. What is read or made below its root then has the host's ids for them. */
  | { readonly container: string; readonly pid: number; readonly ids?: IdMaps }
  /** `root`: of one that does not run. Whoever gives the job closes it when that is done. */
  | { readonly container: string; readonly root: Fd };

/** Gives a descriptor of a container's root to `look`: of one that runs, as it is in its own mount namespace, by way of its first process. */
export async function withContainerRoot<T>(job: RootJob, look: (root: Fd) => Promise<T> | T): Promise<T> {
  return 'pid' in job ? withRunningRoot(job, look) : look(job.root);
}

async function withRunningRoot<T>({ container, pid }: Extract<RootJob, { pid: number }>, look: (root: Fd) => Promise<T> | T): Promise<T> {
  const root = openRunningRoot(container, pid);
  try {
    return await look(root);
  } finally {
    closeSync(root);
  }
}

/**
 * The root of a running container, by its first process; the caller closes it. That process is held by its directory in procfs, which is no other's when the number is: asked for the root and then
 * for the container, each by the number, two processes could answer, and the first be the host's. Throws conflict where it is not, or not any more, the container's.
 */
export function openRunningRoot(container: string, pid: number): Fd {
  const notRunning = (): BerthError => conflict(`Container ${container} is not running`);
  try {
    const first = openSync(`/proc/${pid}`, O_PATH | constants.O_DIRECTORY);
    try {
      if (!readFileSync(`/proc/self/fd/${first}/cgroup`, 'utf8').includes(container)) throw notRunning();
      return openSync(`/proc/self/fd/${first}/root`, O_PATH | constants.O_DIRECTORY);
    } finally {
      closeSync(first);
    }
  } catch (error) {
    throw ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '') ? notRunning() : error;
  }
}

/** The ids that a root's files have, for those that an archive or the container has for them: undefined where they are the same. */
export const idsOf = (job: RootJob): IdMaps | undefined => ('pid' in job ? job.ids : undefined);

/** Symlinks mean what they do in the container; nothing leads out of it. */
export function inRoot(root: Fd, path: string | Buffer, flags: number): Fd {
  return openat2(root, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}
