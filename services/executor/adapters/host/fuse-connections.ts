import { closeSync, constants, readdirSync, readFileSync, writeSync } from 'node:fs';
import { openat2, RESOLVE_BENEATH } from '#libs/linux/directory-entries.js';
import { mountNowhere } from '#libs/linux/mounts.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import { withContainerProcess } from './container-process.js';

export interface AbortJob {
  readonly container: string;
  /** Of the container, those that were killed and are there still. */
  readonly processes: readonly number[];
  /** First processes of the other containers that run. */
  readonly others: readonly number[];
}

/**
 * Ends the connections of the file systems by FUSE that a container mounted itself. A killed process that waits for an answer by one, and with a thread of its own holds the very /dev/fuse that the
 * answer should come by, is ended by nothing else (Linux, filesystems/fuse, "Aborting a filesystem connection"). What the host or another container has mounted goes on.
 */
export function abortFuse({ container, processes, others }: AbortJob): void {
  const kept = new Set([readFileSync('/proc/self/mountinfo', 'latin1'), ...others.map((pid) => textOf(`/proc/${pid}/mountinfo`))].flatMap(fuseConnections));
  const own = new Set(processes.flatMap((pid) => mountsOf(container, pid)).flatMap(fuseConnections)).difference(kept);
  if (own.size > 0) abort(own);
}

/** proc_pid_mountinfo(5): their numbers, which are device numbers as the kernel has them. */
export function fuseConnections(mountinfo: string): readonly number[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    if (!/^fuse(blk)?(\.\S*)?( |$)/.test(after)) return [];
    const [major = 0, minor = 0] = before.split(' ')[2]?.split(':').map(Number) ?? [];
    // Linux, include/linux/kdev_t.h: MINORBITS.
    return [major * 2 ** 20 + minor];
  });
}

/** As its threads see them: each may have mounts of its own, and one that has ended, as the first may have, sees none. */
function mountsOf(container: string, pid: number): readonly string[] {
  try {
    return withContainerProcess(container, pid, (process) => readdirSync(`/proc/self/fd/${process}/task`).map((thread) => textOf(`/proc/self/fd/${process}/task/${thread}/mountinfo`)));
  } catch {
    return []; // it has ended
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Not by /sys/fs/fuse/connections, where a host may have mounted nothing. */
function abort(connections: Iterable<number>): void {
  const control = mountNowhere('fusectl', [], 0);
  try {
    for (const connection of connections) {
      try {
        const file = openat2(control, `${connection}/abort`, constants.O_WRONLY, 0, RESOLVE_BENEATH);
        writeSync(file, '1');
        closeSync(file);
      } catch (error) {
        if (!isErrno(error, 'ENOENT')) throw error; // it has ended
      }
    }
  } finally {
    closeSync(control);
  }
}
