import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { type BerthError, conflict } from '#libs/errors/errors.js';
import { O_PATH } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';

/**
 * Gives `look` the directory of a running container's process in procfs, which is no other's when the number is: asked first whose it is and then for something of it, each by the number,
 * two processes could answer, and one be the host's. Throws conflict where it is not, or not any more, the container's.
 */
export function withContainerProcess<T>(container: string, pid: number, look: (process: Fd) => T): T {
  const notRunning = (): BerthError => conflict(`Container ${container} is not running`);
  try {
    const held = openSync(`/proc/${pid}`, O_PATH | constants.O_DIRECTORY);
    try {
      if (!readFileSync(`/proc/self/fd/${held}/cgroup`, 'utf8').includes(container)) throw notRunning();
      return look(held);
    } finally {
      closeSync(held);
    }
  } catch (error) {
    throw ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '') ? notRunning() : error;
  }
}
