import { closeSync, readFileSync } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { type CgroupLayout, cgroupDirectories } from '#libs/cgroup/layout.js';
import { processesOf } from '#libs/cgroup/processes.js';
import type { Fd } from '#libs/linux/native.js';
import type { ProcessesSeen, TASK_STATES } from '../../domain/metrics/processes-seen.js';
import { openContainerProcess } from '../host/container-process.js';

/** proc_pid_stat(5), in cAdvisor's words. What waits for a device is uninterruptible, too: it is not told apart. */
const STATES = { R: 'running', S: 'sleeping', I: 'sleeping', D: 'uninterruptible', T: 'stopped', t: 'stopped' } as const;
/** Between two breaths of the event loop. */
const AT_ONCE = 50;

/** Containers, each with its cgroup, to what their processes do. Some 0.1 ms of work a process: for a rare look. */
export async function lookAtProcesses(layout: CgroupLayout, containers: Iterable<{ readonly id: string; readonly cgroup: string }>): Promise<ReadonlyMap<string, ProcessesSeen>> {
  const seen = new Map<string, ProcessesSeen>();
  let looks = 0;
  for (const { id, cgroup } of containers) {
    const pids = processesOf(cgroupDirectories(layout, cgroup)[0] ?? '');
    const states = { running: 0, sleeping: 0, stopped: 0, uninterruptible: 0 };
    let descriptors = 0;
    let first: Partial<ProcessesSeen> | undefined;
    for (const pid of pids) {
      const process = held(id, pid);
      if (process === undefined) continue;
      const directory = `/proc/self/fd/${process}`;
      try {
        for (const thread of await readdir(`${directory}/task`).catch(() => [])) {
          const state = stateOf(`${directory}/task/${thread}/stat`);
          if (state) states[state]++;
          if (++looks % AT_ONCE === 0) await setImmediate();
        }
        descriptors += await stat(`${directory}/fd`).then(({ size }) => size, () => 0);
        first ??= await ofFirst(directory);
      } finally {
        closeSync(process);
      }
    }
    seen.set(id, { processes: pids.length, states, ...(descriptors > 0 && { descriptors }), ...first });
  }
  return seen;
}

/** Undefined: it has ended since it was listed, and its number may be another's. */
function held(container: string, pid: number): Fd | undefined {
  try {
    return openContainerProcess(container, pid);
  } catch {
    return undefined;
  }
}

function stateOf(path: string): (typeof TASK_STATES)[number] | undefined {
  try {
    const text = readFileSync(path, 'latin1');
    return STATES[text.charAt(text.lastIndexOf(')') + 2) as keyof typeof STATES]; // a zombie has none
  } catch {
    return undefined; // it has ended
  }
}

async function ofFirst(directory: string): Promise<Pick<ProcessesSeen, 'openFilesLimit' | 'sockets'>> {
  const textOf = (file: string): Promise<string> => readFile(`${directory}/${file}`, 'latin1').catch(() => '');
  const limit = /^Max open files +(\S+)/m.exec(await textOf('limits'))?.[1];
  const sockets = /^sockets: used (\d+)/m.exec(await textOf('net/sockstat'))?.[1];
  return {
    ...(limit !== undefined && { openFilesLimit: limit === 'unlimited' ? Infinity : Number(limit) }),
    ...(sockets !== undefined && { sockets: Number(sockets) }),
  };
}
