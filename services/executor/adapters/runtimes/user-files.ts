import { closeSync, fstatSync, readSync } from 'node:fs';
import { invalid } from '#libs/errors/errors.js';
import { O_PATH } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';
import type { UserFiles } from '../../domain/spec/container-user.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import { isMadeUp } from '../trees/archive-tree.js';
import { inRoot, openRunningRoot } from '../trees/container-root.js';
import { openFound } from '../trees/open-found.js';

const LIMIT_BYTES = 1 << 20;

/** /etc/passwd and /etc/group below `root`, which the container controls: by descriptors, bounded, and no device or pipe is read. A file that is missing is "". */
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

function readIn(root: Fd, path: string): string {
  let found: Fd;
  try {
    found = inRoot(root, path, O_PATH);
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return '';
    throw error;
  }
  try {
    // A symlink to /proc/kmsg: we have more rights than the container, and reading there is doing.
    const file = isMadeUp(found) ? undefined : openFound(found);
    if (file === undefined) throw invalid(`/${path} of the container is no file`);
    try {
      return textOf(file, path);
    } finally {
      closeSync(file);
    }
  } finally {
    closeSync(found);
  }
}

function textOf(file: Fd, path: string): string {
  if (fstatSync(file).size > LIMIT_BYTES) throw invalid(`/${path} of the container has more than ${LIMIT_BYTES} bytes`);
  const bytes = Buffer.alloc(LIMIT_BYTES);
  let used = 0;
  for (let got = -1; got !== 0 && used < LIMIT_BYTES; used += got) got = readSync(file, bytes, used, LIMIT_BYTES - used, null);
  return bytes.toString('utf8', 0, used);
}
