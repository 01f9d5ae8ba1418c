import { readFileSync } from 'node:fs';

const MOST_NAMED = 5;
/** proc_pid_stat(5): what a process does that a signal has not ended yet. */
const STATES: Readonly<Record<string, string>> = { D: 'waits in the kernel: for a disk, or a file system that does not answer', T: 'is stopped', t: 'is stopped by a debugger', Z: 'has ended, and nobody has taken note' };

/** Processes for who is told that they have not ended: "4242 (cat), which waits in the kernel". Undefined: they all have by now. */
export function namedProcesses(pids: readonly number[]): string | undefined {
  const named = pids.flatMap((pid) => {
    const said = saidOf(pid);
    return said === undefined ? [] : `${pid} ${said}`;
  });
  if (named.length === 0) return undefined;
  const more = named.length - MOST_NAMED;
  return named.slice(0, MOST_NAMED).join('; ') + (more > 0 ? `; and ${more} more` : '');
}

/** Nothing is asked that waits for the process's memory. The name is the process's own: what is no plain letter in it is none here. */
function saidOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const end = stat.lastIndexOf(')');
    const state = STATES[stat[end + 2] ?? ''];
    return `(${stat.slice(stat.indexOf('(') + 1, end).replace(/[^ -~]/g, '?')})${state === undefined ? '' : `, which ${state}`}`;
  } catch {
    return undefined;
  }
}
