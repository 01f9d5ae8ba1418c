import type { LinkCounters } from '#libs/netlink/link-counters.js';
import { foundOnHost, type HostPlaces } from '../../adapters/host/found-on-host.js';
import type { Firewall } from '../../adapters/network/firewall.js';
import type { Found, Wished } from '../../domain/host/host-differences.js';
import type { ContainerFacts } from '../../domain/metrics/container-facts.js';
import { taskId } from '../tasks/live-task.js';
import type { LiveTasks } from '../tasks/live-tasks.js';
import type { NetworksOnHost } from '../networks/networks-on-host.js';
import { rulesOf } from '../networks/port-publisher.js';

/** What the engine wants of the host beside what is there. */
export class HostLook {
  constructor(
    private readonly containers: () => Promise<Iterable<ContainerFacts>>,
    private readonly live: LiveTasks,
    private readonly networks: NetworksOnHost,
    private readonly firewall: Firewall,
    private readonly linkCounters: () => readonly LinkCounters[],
    private readonly places: HostPlaces,
  ) {}

  async take(): Promise<{ readonly wished: Wished; readonly found: Found }> {
    const all = [...(await this.containers())];
    const bridges = new Set(this.networks.bridgeNames());
    const elsewhere = all.filter(({ id, cgroup }) => cgroup !== `${this.places.cgroupParent}/${id}`);
    const found = { ...(await foundOnHost(this.places, elsewhere, bridges, this.linkCounters())), rules: this.firewall.publishedRules() };
    const tasks = [...this.live.all()];
    const wished = {
      containers: new Set(all.map(({ id }) => id)),
      running: new Map(all.filter(({ running }) => running).map(({ id, link }) => [id, link])),
      tasks: tasks.map((task) => ({ id: taskId(task.identity), container: task.identity.container, pid: task.pid })),
      bridges,
      rules: new Set(tasks.flatMap(rulesOf).map((rule) => this.firewall.nameOf(rule))),
    };
    return { wished, found };
  }
}
