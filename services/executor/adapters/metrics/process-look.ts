import { readFile, readdir, stat } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { type CgroupLayout, cgroupDirectories } from '#libs/cgroup/layout.js';
import { processesOf } from '#libs/cgroup/processes.js';
import type { ProcessesSeen, TASK_STATES } from '../../domain/metrics/processes-seen.js';

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
    for (const pid of pids) {
      for (const thread of await readdir(`/proc/${pid}/task`).catch(() => [])) {
        const state = stateOf(`/proc/${pid}/task/${thread}/stat`);
        if (state) states[state]++;
        if (++looks % AT_ONCE === 0) await setImmediate();
      }
      descriptors += await stat(`/proc/${pid}/fd`).then(({ size }) => size, () => 0);
    }
    const [first] = pids;
    seen.set(id, { processes: pids.length, states, ...(descriptors > 0 && { descriptors }), ...(first === undefined ? {} : await ofFirst(first)) });
  }
  return seen;
}

function stateOf(path: string): (typeof TASK_STATES)[number] | undefined {
  try {
    const text = readFileSync(path, 'latin1');
    return STATES[text.charAt(text.lastIndexOf(')') + 2) as keyof typeof STATES]; // a zombie has none
  } catch {
    return undefined; // it has ended
  }
}

async function ofFirst(pid: number): Promise<Pick<ProcessesSeen, 'openFilesLimit' | 'sockets'>> {
  const textOf = (file: string): Promise<string> => readFile(`/proc/${pid}/${file}`, 'latin1').catch(() => '');
  const limit = /^Max open files +(\S+)/m.exec(await textOf('limits'))?.[1];
  const sockets = /^sockets: used (\d+)/m.exec(await textOf('net/sockstat'))?.[1];
  return {
    ...(limit !== undefined && { openFilesLimit: limit === 'unlimited' ? Infinity : Number(limit) }),
    ...(sockets !== undefined && { sockets: Number(sockets) }),
  };
}
