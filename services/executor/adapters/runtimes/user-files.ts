import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { invalid } from '#libs/errors/errors.js';
import { O_PATH, openat2, RESOLVE_CACHED, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';
import type { UserFiles } from '../../domain/spec/container-user.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import { withContainerProcess } from '../host/container-process.js';
import { nearMounts } from '../host/distant-mounts.js';
import { isMadeUp } from '../trees/archive-tree.js';
import { inRoot, openRunningRoot } from '../trees/container-root.js';
import { mountOf } from '../trees/mount-of.js';
import { openFound } from '../trees/open-found.js';

const LIMIT_BYTES = 1 << 20;

/** /etc/passwd and /etc/group below `root`, which the container controls: by descriptors, bounded, and no device or pipe is read. What is missing is "", and what is no file, as with runc: who is asked for by numbers needs none. */
export function readUserFiles(root: Fd): UserFiles {
  return { passwd: readIn(root, 'etc/passwd'), group: readIn(root, 'etc/group') };
}

/** The same of a running container, by its first process. */
export function readUserFilesOf(container: string, pid: number): UserFiles {
  const root = openRunningRoot(container, pid);
  try {
    return readUserFiles(root);
  } finally {
    closeSync(root);
  }
}

/**
 * The same, of a container that cannot mount anything itself, where nobody has to be waited for; undefined: somebody may have to be, as where a file lies in what a network or a process answers for. The files are held before it is asked what
 * they lie in: looked at first, a container could mount something on them meanwhile.
 */
export function readUserFilesAtOnce(container: string, pid: number): UserFiles | undefined {
  return withContainerProcess(container, pid, (process) => {
    using held = new DisposableStack();
    const hold = (fd: Fd): Fd => held.adopt(fd, closeSync);
    try {
      const root = hold(openSync(`/proc/self/fd/${process}/root`, O_PATH | constants.O_DIRECTORY));
      const find = (path: string): Fd | undefined => whereThere(() => hold(openat2(root, path, O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_CACHED)));
      const [passwd, group] = [find('etc/passwd'), find('etc/group')];
      const near = nearMounts(readFileSync(`/proc/self/fd/${process}/mountinfo`, 'latin1'), mountOf(root));
      if ([passwd, group].some((fd) => fd !== undefined && !near.has(mountOf(fd) ?? ''))) return undefined;
      return { passwd: textIn(passwd, 'etc/passwd'), group: textIn(group, 'etc/group') };
    } catch (error) {
      // Before Linux 5.12 it cannot be asked.
      if (isErrno(error, 'EAGAIN') || isErrno(error, 'EINVAL')) return undefined;
      throw error;
    }
  });
}

function readIn(root: Fd, path: string): string {
  const found = whereThere(() => inRoot(root, path, O_PATH));
  try {
    return textIn(found, path);
  } finally {
    if (found !== undefined) closeSync(found);
  }
}

function whereThere(open: () => Fd): Fd | undefined {
  try {
    return open();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].some((code) => isErrno(error, code))) return undefined;
    throw error;
  }
}

function textIn(found: Fd | undefined, path: string): string {
  if (found === undefined) return '';
  // A symlink to /proc/kmsg: we have more rights than the container, and reading there is doing.
  const file = isMadeUp(found) ? undefined : openFound(found);
  if (file === undefined) return '';
  try {
    return textOf(file, path);
  } finally {
    closeSync(file);
  }
}

function textOf(file: Fd, path: string): string {
  if (fstatSync(file).size > LIMIT_BYTES) throw invalid(`/${path} of the container has more than ${LIMIT_BYTES} bytes`);
  const bytes = Buffer.alloc(LIMIT_BYTES);
  let used = 0;
  for (let got = -1; got !== 0 && used < LIMIT_BYTES; used += got) got = readSync(file, bytes, used, LIMIT_BYTES - used, null);
  return bytes.toString('utf8', 0, used);
}
