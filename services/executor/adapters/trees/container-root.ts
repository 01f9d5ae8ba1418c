import { closeSync, constants, openSync } from 'node:fs';
import type { IdMaps } from '#contracts/executor/id-maps.js';
import { O_PATH, openat2, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';
import { withContainerProcess } from '../host/container-process.js';

/** A root as its processes see it, or as they would. */
export type RootJob =
  /** `ids`: of its user namespace, where it has not the host's. What is read or made below its root then has the host's ids for them. */
  | { readonly container: string; readonly pid: number; readonly ids?: IdMaps }
  /** `root`: of one that does not run, or that is held (held-root.ts). Whoever gives the job closes it when that is done. */
  | { readonly container: string; readonly root: Fd; readonly ids?: IdMaps };

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

/** The root of a running container, by its first process; the caller closes it. Throws as withContainerProcess does. */
export function openRunningRoot(container: string, pid: number): Fd {
  return withContainerProcess(container, pid, (first) => openSync(`/proc/self/fd/${first}/root`, O_PATH | constants.O_DIRECTORY));
}

/** The ids that a root's files have, for those that an archive or the container has for them: undefined where they are the same. */
export const idsOf = (job: RootJob): IdMaps | undefined => job.ids;

/** Symlinks mean what they do in the container; nothing leads out of it. */
export function inRoot(root: Fd, path: string | Buffer, flags: number): Fd {
  return openat2(root, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}
