import { closeSync, constants, readdirSync, readFileSync, writeSync } from 'node:fs';
import { openat2, RESOLVE_BENEATH } from '#libs/linux/directory-entries.js';
import { mountNowhere } from '#libs/linux/mounts.js';
import type { Fd } from '#libs/linux/native.js';
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
  abortConnections(() => {
    const own = new Set(processes.flatMap((pid) => mountsOf(container, pid)).flatMap(fuseConnections));
    return own.difference(new Set([readFileSync('/proc/self/mountinfo', 'latin1'), ...others.map((pid) => textOf(`/proc/${pid}/mountinfo`))].flatMap(fuseConnections)));
  });
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

/**
 * A number is another's as soon as the connection that had it has ended. So what is to end is looked for a second time, when its files are open: these are of the connections that had the numbers
 * then, and of one that has ended they end nothing.
 */
export function abortConnections(doomed: () => ReadonlySet<number>): void {
  const first = doomed();
  if (first.size === 0) return;
  const held = openAborts(first);
  try {
    const still = doomed();
    for (const [connection, file] of held) if (still.has(connection)) writeSync(file, '1');
  } finally {
    for (const file of held.values()) closeSync(file);
  }
}

/** Not by /sys/fs/fuse/connections, where a host may have mounted nothing. */
function openAborts(connections: Iterable<number>): ReadonlyMap<number, Fd> {
  const held = new Map<number, Fd>();
  const control = mountNowhere('fusectl', [], 0);
  try {
    for (const connection of connections) {
      try {
        held.set(connection, openat2(control, `${connection}/abort`, constants.O_WRONLY, 0, RESOLVE_BENEATH));
      } catch (error) {
        if (!isErrno(error, 'ENOENT')) throw error; // it has ended
      }
    }
    return held;
  } catch (error) {
    for (const file of held.values()) closeSync(file);
    throw error;
  } finally {
    closeSync(control);
  }
}
