import { readFileSync } from 'node:fs';
import type { Fd } from '#libs/linux/native.js';

/** proc_pid_fdinfo(5): the number of the mount that a descriptor is on, which is no other's as long as it is open. */
export const mountOf = (fd: Fd): string | undefined => /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
