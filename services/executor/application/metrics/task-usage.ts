import { readlinkSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import type { ListTaskProcesses, ProcessTable, SampleUsage, UsageReply } from '#contracts/executor/usage.js';
import type { CgroupLayout } from '#libs/cgroup/layout.js';
import { cgroupFileReader } from '#libs/cgroup/usage.js';
import { conflict } from '#libs/errors/errors.js';
import type { LinkCounters } from '#libs/netlink/link-counters.js';
import type { ContainerCgroups } from '../../adapters/host/container-cgroups.js';
import { runPs } from '../../adapters/host/run-ps.js';
import { machineNanoseconds } from '../../adapters/metrics/machine.js';
import { hostLinkName } from '../../domain/host-link-name.js';
import { psTable } from '../../domain/ps-table.js';
import { usageSample } from '../../domain/usage-sample.js';
import { type LiveTask, taskId } from '../tasks/live-task.js';
import type { LiveTasks } from '../tasks/live-tasks.js';

/** What running tasks consist of and what they use. */
export class TaskUsage {
  /** "net:[4026531992]", of those that were asked. A task has one all its life. */
  private readonly networks = new WeakMap<LiveTask, string>();

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
    // One that ended meanwhile may have left its number to somebody else.
    const still = new Set(task ? this.cgroups.processes(task.place) : []);
    return psTable(output, new Set(pids.filter((pid) => still.has(pid))), psArgs, leads);
  }

  sample({ containers }: SampleUsage): UsageReply {
    const { mode } = this.layout;
    const running = containers.flatMap((container) => this.live.byContainer(container) ?? []);
    const links = new Map(running.length === 0 ? [] : this.linkCounters().map((link) => [link.name, link]));
    const ownLink = ({ identity }: LiveTask): LinkCounters | undefined => links.get(hostLinkName(taskId(identity)));
    // A container in another's network has the other's traffic, through however many it was lent on.
    let lent: ReadonlyMap<string, LinkCounters> | undefined;
    const lentLink = (task: LiveTask): LinkCounters | undefined => {
      lent ??= new Map(Array.from(this.live.all()).flatMap((lender) => {
        const link = ownLink(lender);
        return link ? [[this.networkOf(lender), link] as const] : [];
      }));
      const network = this.networkOf(task);
      return network === '' ? undefined : lent.get(network);
    };
    const memoryBytes = totalmem();
    return {
      cgroupVersion: mode === 'v2' ? '2' : '1',
      at: new Date().toISOString(),
      machineNanoseconds: machineNanoseconds(),
      cpus: cpus().length,
      samples: running.map((task) => {
        const { container } = task.identity;
        const link = ownLink(task) ?? lentLink(task);
        return usageSample({ container, mode, memoryBytes, read: cgroupFileReader(this.layout, this.cgroups.path(task.place)), ...(link ? { link } : {}) });
      }),
    };
  }

  /** The namespace; "": it has ended meanwhile. */
  private networkOf(task: LiveTask): string {
    const known = this.networks.get(task);
    if (known !== undefined) return known;
    try {
      const network = readlinkSync(`/proc/${task.pid}/ns/net`);
      this.networks.set(task, network);
      return network;
    } catch {
      return '';
    }
  }
}
