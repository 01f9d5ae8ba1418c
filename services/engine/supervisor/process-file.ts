import { readFileSync, rmSync } from 'node:fs';

/** A process that cannot be mistaken for a later one of the same pid: pids are used again, start times (in clock ticks since boot) are not. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: string;
}

/** pid and start time of a /proc/<pid>/stat line; see proc_pid_stat(5). The command's name stands in parentheses and may hold any byte. */
export function parseStat(line: string): (ProcessIdentity & { readonly state: string }) | undefined {
  const end = line.lastIndexOf(')');
  const pid = Number.parseInt(line, 10);
  const fields = line.slice(end + 2).trim().split(' ');
  const state = fields[0];
  const startTicks = fields[19];
  if (end < 0 || !(pid > 0) || state === undefined || startTicks === undefined) return undefined;
  return { pid, startTicks, state };
}

/** The process that a pid file names, if it is that very one and still runs. A zombie does not run. */
export function runningProcess(pidFile: string): ProcessIdentity | undefined {
  const written = parseStat(readOrEmpty(pidFile));
  return written && isRunning(written) ? { pid: written.pid, startTicks: written.startTicks } : undefined;
}

/** The process that has this pid now. */
export const processOf = (pid: number): ProcessIdentity | undefined => parseStat(readOrEmpty(`/proc/${pid}/stat`));

export function isRunning(process: ProcessIdentity): boolean {
  const now = parseStat(readOrEmpty(`/proc/${process.pid}/stat`));
  return now !== undefined && now.startTicks === process.startTicks && now.state !== 'Z' && now.state !== 'X';
}

export function removeFile(path: string): void {
  rmSync(path, { force: true });
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
