import { type CgroupLayout, controllerDirectory } from '#libs/cgroup/layout.js';
import type { ContainerCgroups } from '../../adapters/host/container-cgroups.js';
import { frame, WATCH_OOM } from '../../adapters/shim/shim-frames.js';
import type { LiveTask } from './live-task.js';

/** Most lives are shorter, and are told of by their end: only one that goes on is worth the watch. */
const SHORT_LIFE_MS = 500;

/** Has the shims tell of what the OOM killer takes while their containers run, with a limit or without: the machine may run out of memory, too. */
export class OomWatch {
  constructor(
    private readonly layout: CgroupLayout,
    private readonly cgroups: ContainerCgroups,
  ) {}

  /** Of one whose start is on record. What was taken by then is told as well. */
  begin(task: LiveTask): void {
    const directory = controllerDirectory(this.layout, 'memory', this.cgroups.path(task.place));
    if (directory === undefined) return;
    const [counter, control] = this.layout.mode === 'v2' ? [`${directory}/memory.events`, ''] : [`${directory}/memory.oom_control`, `${directory}/cgroup.event_control`];
    setTimeout(() => void (task.hasExited || task.connection?.send(frame(WATCH_OOM, counter, control))), SHORT_LIFE_MS).unref();
  }
}
