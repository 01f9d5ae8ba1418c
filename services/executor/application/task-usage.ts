import { cpus, totalmem } from 'node:os';
import type { ListTaskProcesses, ProcessTable, SampleUsage, UsageReply } from '#contracts/executor/usage.js';
import type { CgroupLayout } from '#libs/cgroup/layout.js';
import { cgroupFileReader } from '#libs/cgroup/usage.js';
import { conflict } from '#libs/errors/errors.js';
import type { LinkCounters } from '#libs/netlink/link-counters.js';
import type { ContainerCgroups } from '../adapters/host/container-cgroups.js';
import { runPs } from '../adapters/host/run-ps.js';
import { machineNanoseconds } from '../adapters/metrics/machine.js';
import { hostLinkName } from '../domain/host-link-name.js';
import { psTable } from '../domain/ps-table.js';
import { usageSample } from '../domain/usage-sample.js';
import { taskId } from './live-task.js';
import type { LiveTasks } from './live-tasks.js';

/** What running tasks consist of and what they use. */
export class TaskUsage {
  constructor(
    private readonly live: LiveTasks,
    private readonly cgroups: ContainerCgroups,
    private readonly layout: CgroupLayout,
    /** All links of the machine, with what went through them: one question, however many containers. */
    private readonly linkCounters: () => readonly LinkCounters[],
  ) {}

  async processes({ container, psArgs }: ListTaskProcesses): Promise<ProcessTable> {
    const task = this.live.byContainer(container);
    const pids = task ? this.cgroups.processes(task.place) : [];
    if (pids.length === 0) throw conflict(`Container ${container} is not running`);
    const { output, leads } = await runPs(psArgs, pids);
    return psTable(output, new Set(pids), psArgs, leads);
  }

  sample({ containers }: SampleUsage): UsageReply {
    const { mode } = this.layout;
    const running = containers.flatMap((container) => this.live.byContainer(container) ?? []);
    const links = new Map(running.length === 0 ? [] : this.linkCounters().map((link) => [link.name, link]));
    const memoryBytes = totalmem();
    return {
      cgroupVersion: mode === 'v2' ? '2' : '1',
      at: new Date().toISOString(),
      machineNanoseconds: machineNanoseconds(),
      cpus: cpus().length,
      samples: running.map(({ identity, place }) => {
        const { container } = identity;
        const link = links.get(hostLinkName(taskId(identity)));
        return usageSample({ container, mode, memoryBytes, read: cgroupFileReader(this.layout, this.cgroups.path(place)), ...(link ? { link } : {}) });
      }),
    };
  }
}
