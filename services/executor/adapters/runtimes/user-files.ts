import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { invalid } from '#libs/errors/errors.js';
import { O_PATH, openat2, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from '#libs/linux/directory-entries.js';
import type { Fd } from '#libs/linux/native.js';
import type { UserFiles } from '../../domain/spec/container-user.js';
import { isErrno } from '#libs/linux/system-call-error.js';

const LIMIT_BYTES = 1 << 20;

/** /etc/passwd and /etc/group below `root`, which the container controls: by descriptors, bounded, and no device or pipe is read. A file that is missing is "". */
export function readUserFiles(root: Fd): UserFiles {
  return { passwd: readIn(root, 'etc/passwd'), group: readIn(root, 'etc/group') };
}

/** The same of a running container. */
export function readUserFilesOf(pid: number): UserFiles {
  const root = openSync(`/proc/${pid}/root`, O_PATH | constants.O_DIRECTORY);
  try {
    return readUserFiles(root);
  } finally {
    closeSync(root);
  }
}

function readIn(root: Fd, path: string): string {
  let file: Fd;
  try {
    file = openat2(root, path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return '';
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    if (!fstatSync(file).isFile()) throw invalid(`/${path} of the container is no file`);
    if (size > LIMIT_BYTES) throw invalid(`/${path} of the container has more than ${LIMIT_BYTES} bytes`);
    const bytes = Buffer.alloc(LIMIT_BYTES);
    let used = 0;
    for (let got = -1; got !== 0 && used < LIMIT_BYTES; used += got) got = readSync(file, bytes, used, LIMIT_BYTES - used, null);
    return bytes.toString('utf8', 0, used);
  } finally {
    closeSync(file);
  }
}
