import { readFileSync } from 'node:fs';

/** Linux, include/linux/sched.h: PF_EXITING. */
const EXITING = 0x4;

/** Whether a process is gone, or so far on the way that nobody can join its namespaces: its end may be known to no one yet. */
export function isEnding(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // proc_pid_stat(5): the name, in parentheses, may hold anything; flags are the seventh behind it.
    return (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6]) & EXITING) !== 0;
  } catch {
    return true;
  }
}
