import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { type BerthError, conflict } from '#libs/errors/errors.js';
import { O_PATH } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';

/** Gives `look` what openContainerProcess opens, for as long as it takes. Throws as that does. */
export function withContainerProcess<T>(container: string, pid: number, look: (process: Fd) => T): T {
  const process = openContainerProcess(container, pid);
  try {
    return look(process);
  } catch (error) {
    throw hasEnded(error) ? notRunning(container) : error;
  } finally {
    closeSync(process);
  }
}

/**
 * The directory of a container's process in procfs, which is no other's when the number is: asked first whose it is and then for something of it, each by the number, two processes could answer, and
 * one be the host's. The caller closes it. Throws conflict where it is not, or not any more, the container's.
 */
export function openContainerProcess(container: string, pid: number): Fd {
  let held: Fd | undefined;
  try {
    held = openSync(`/proc/${pid}`, O_PATH | constants.O_DIRECTORY);
    if (!readFileSync(`/proc/self/fd/${held}/cgroup`, 'utf8').includes(container)) throw notRunning(container);
    return held;
  } catch (error) {
    if (held !== undefined) closeSync(held);
    throw hasEnded(error) ? notRunning(container) : error;
  }
}

const notRunning = (container: string): BerthError => conflict(`Container ${container} is not running`);
const hasEnded = (error: unknown): boolean => ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '');
