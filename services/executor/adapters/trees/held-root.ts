import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { O_PATH } from '#libs/linux/directory-entries.js';
import { attachMount, cloneMountsOf, cloneMountTree, MNT_DETACH, mount, MS_PRIVATE, MS_REC, umount2 } from '#libs/linux/mounts.js';
import type { Fd } from '#libs/linux/native.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import { withContainerProcess } from '../host/container-process.js';
import { hasDistantBelow } from '../host/distant-mounts.js';
import { mountOf } from './mount-of.js';

/** Where the calling thread alone has what it looks at: a folder that every host has, and that nobody looks into meanwhile. */
const PLACE = '/sys';

export interface HeldRoot {
  readonly container: string;
  readonly pid: number;
}

/**
 * The root of a running container with all that is mounted in it now, as a descriptor, good on any thread: what its processes mount from then on is not in it. Undefined: a look into it may take as long as
 * somebody else likes, or it cannot be held so. Asked of the container's own mounts first, there would be time to mount something behind that. The caller closes it. Throws as withContainerProcess does.
 * Only on a thread of TreeThreads.
 */
export function holdRunningRoot({ container, pid }: HeldRoot): Fd | undefined {
  const copy = copyOfMounts(container, pid);
  if (copy === undefined) return undefined;
  try {
    attachMount(copy, PLACE);
    // From here on by its descriptor: a container may have mounted something over its very root, which its own processes do not see either.
    return withoutDistant(copy);
  } finally {
    closeSync(copy);
  }
}

function withoutDistant(copy: Fd): Fd | undefined {
  try {
    // Of mounts that are shared, what is mounted on the container's would be mounted on these.
    mount('none', `/proc/self/fd/${copy}`, '', MS_REC | MS_PRIVATE);
    return hasDistantBelow(readFileSync('/proc/thread-self/mountinfo', 'latin1'), mountOf(copy)) ? undefined : cloneMountTree(`/proc/self/fd/${copy}`);
  } finally {
    umount2(`/proc/self/fd/${copy}`, MNT_DETACH);
  }
}

function copyOfMounts(container: string, pid: number): Fd | undefined {
  return withContainerProcess(container, pid, (first) => {
    const opened: Fd[] = [];
    const open = (name: string, flags: number): Fd => {
      const fd = openSync(`/proc/self/fd/${first}/${name}`, flags);
      opened.push(fd);
      return fd;
    };
    try {
      return cloneMountsOf(open('ns/mnt', constants.O_RDONLY), open('root', O_PATH | constants.O_DIRECTORY));
    } catch (error) {
      if (isErrno(error, 'EINVAL')) return undefined;
      throw error;
    } finally {
      opened.forEach((fd) => closeSync(fd));
    }
  });
}
