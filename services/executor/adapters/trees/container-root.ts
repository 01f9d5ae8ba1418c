import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import type { IdMaps } from '#contracts/executor/id-maps.js';
import { conflict } from '#libs/errors/errors.js';
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
  const root = openRoot(pid, container);
  try {
    // Only now is it known whose root that is: the pid may have been another's by then.
    if (!readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(container)) throw conflict(`Container ${container} is not running`);
    return await look(root);
  } finally {
    closeSync(root);
  }
}

/** One that has just ended, and of which nobody has heard yet, has no root any more. */
function openRoot(pid: number, container: string): Fd {
  try {
    return openSync(`/proc/${pid}/root`, O_PATH | constants.O_DIRECTORY);
  } catch {
    throw conflict(`Container ${container} is not running`);
  }
}

/** The ids that a root's files have, for those that an archive or the container has for them: undefined where they are the same. */
export const idsOf = (job: RootJob): IdMaps | undefined => ('pid' in job ? job.ids : undefined);

/** Symlinks mean what they do in the container; nothing leads out of it. */
export function inRoot(root: Fd, path: string | Buffer, flags: number): Fd {
  return openat2(root, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}
