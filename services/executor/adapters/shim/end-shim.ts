import { closeSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pidfdOpen, pidfdSendSignal } from '#libs/linux/processes.js';
import { isErrno } from '#libs/linux/system-call-error.js';
import { commandLine, commandLines, lineOfShim } from './command-lines.js';

const SIGKILL = 9;
const LOOK_AGAIN_MS = 5;
const DEADLINE_MS = 2_000;

/**
 * Ends the shim that listens in `taskDirectory`, and with it the container's process, for one that nobody will hear of any more: whoever is connected to it, and whoever had
 * it forked. `known`: its pid, as far as one can know: it is a place to look, no more. None changes nothing. Resolves when it does nothing more; one that hangs in the kernel is left
 * to its SIGKILL after 2 s.
 */
export async function endShim(taskDirectory: string, known?: number): Promise<void> {
  if (!existsSync(`${taskDirectory}/shim.sock`)) return;
  const line = lineOfShim(taskDirectory);
  // Its child has its command line until execve(2).
  const named = known === undefined ? commandLines().flatMap(([pid, text]) => (text.startsWith(line) ? [pid] : [])) : [known];
  const killed = named.filter((pid) => kill(pid, line));
  for (const deadline = performance.now() + DEADLINE_MS; killed.some((pid) => commandLine(pid).startsWith(line)) && performance.now() < deadline; ) await sleep(LOOK_AGAIN_MS);
}

/** The line is read after the descriptor is there: the process that it names then is the one that is killed, or has ended. */
function kill(pid: number, line: string): boolean {
  let pidfd: number;
  try {
    pidfd = pidfdOpen(pid);
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
    throw error;
  }
  try {
    return commandLine(pid).startsWith(line) && pidfdSendSignal(pidfd, SIGKILL);
  } finally {
    closeSync(pidfd);
  }
}
