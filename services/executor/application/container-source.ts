import { readdir } from 'node:fs/promises';
import { release } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import type { ContainerEvent } from '#contracts/containers/events.js';
import type { HostFacts } from '#contracts/executor/host.js';
import { KeptCgroupFiles } from '#libs/cgroup/kept-files.js';
import { type CgroupLayout, cgroupDirectories } from '#libs/cgroup/layout.js';
import { usageOf } from '#libs/cgroup/usage.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import type { LinkCounters } from '#libs/netlink/link-counters.js';
import { type Exposition, labelText } from '#libs/telemetry/metrics/exposition.js';
import { LogFold } from '#libs/telemetry/metrics/log-fold.js';
import { BlockDevices, bootTime, layerFileSystem, type MachineSize, machineSize } from '../adapters/metrics/machine.js';
import { ContainerFold } from '../domain/metrics/container-facts.js';
import { type Scraped, seenFromWithin, writeContainers } from '../domain/metrics/container-series.js';

/** Links of the machine's own that cAdvisor counts for no one. */
const NOT_THE_MACHINES = /^(lo|veth|docker)/;
/** Between two breaths of the event loop: a scrape of many containers must not hold up a start. */
const AT_ONCE = 50;

export interface ContainerSourceOptions {
  readonly layout: CgroupLayout;
  readonly cgroupParent: string;
  readonly bridge: string;
  readonly dataRoot: string;
  readonly facts: () => HostFacts;
  /** Labels of containers that become labels of their series. */
  readonly shownLabels: readonly string[];
  /** How long `container_last_seen` of a stopped container stays, with the time of its exit. */
  readonly lastSeenSeconds: number;
  /** Containers of tasks that run, or are about to. */
  readonly withTasks: () => ReadonlySet<string>;
  /** All links of the machine, with what went through them. */
  readonly linkCounters: () => readonly LinkCounters[];
}

/** The executor's page: containers by cAdvisor's names, since it alone knows their cgroups, and the machine. Names, images and labels come from containers' events. */
export class ContainerSource {
  private readonly fold: LogFold<ContainerFold>;
  private readonly files = new Map<string, KeptCgroupFiles>();
  private readonly root: KeptCgroupFiles;
  private readonly devices = new BlockDevices();
  private size: MachineSize | undefined;

  constructor(
    store: Pick<EventStore, 'follow' | 'lastPosition'>,
    private readonly options: ContainerSourceOptions,
  ) {
    // Containers may be in a subtree; the machine is above all.
    const { subtree: _, ...machine } = options.layout;
    this.root = new KeptCgroupFiles(machine, '/');
    this.fold = new LogFold(store, ['berth.event.container.>'], () => new ContainerFold(options.cgroupParent, options.shownLabels), (fold, commit) => {
      // The containers service alone writes these subjects, and it validated them.
      for (const event of commit.events as readonly ContainerEvent[]) {
        fold.evolve(event);
        // Its cgroup goes with the run: the next one has another, of the same name.
        if (event.type === 'ContainerExited') this.forget(event.container);
      }
    });
  }

  async write(out: Exposition): Promise<void> {
    const { containers } = await this.fold.read();
    const links = new Map(this.options.linkCounters().map((link) => [link.name, link]));
    const scraped: Scraped[] = [this.scrapeRoot(links)];
    for (const facts of containers.values()) {
      if (!facts.running) continue;
      const usage = usageOf(this.options.layout.mode, this.filesOf(facts.id).read);
      const link = links.get(facts.link);
      scraped.push({ labels: facts.labels, usage, interfaces: link ? [seenFromWithin('eth0', link)] : [], facts, startedAt: facts.startedAt });
      if (scraped.length % AT_ONCE === 0) await setImmediate();
    }
    const now = Date.now() / 1000;
    const { dataRoot, lastSeenSeconds } = this.options;
    writeContainers(scraped, { deviceName: this.devices.name, fileSystem: layerFileSystem(dataRoot, this.devices) }, out);

    out.family('container_last_seen', 'gauge', 'When it was last seen, since 1970; of a stopped container, for a while, when it ended.');
    out.sample(ROOT, now);
    for (const { labels, running, exitedAt } of containers.values()) {
      if (running) out.sample(labels, now);
      else if (exitedAt > 0 && now - exitedAt < lastSeenSeconds) out.sample(labels, exitedAt);
    }
    out.family('container_scrape_error', 'gauge', '1 when something could not be read.').sample('', 0);
    this.writeMachine(out);
    await this.writeLeaks(links, new Set([...containers.values()].map(({ link }) => link)), out);
  }

  async stop(): Promise<void> {
    await this.fold.stop();
    for (const files of this.files.values()) files.close();
    this.files.clear();
    this.root.close();
  }

  private filesOf(container: string): KeptCgroupFiles {
    const known = this.files.get(container);
    if (known) return known;
    const files = new KeptCgroupFiles(this.options.layout, `${this.options.cgroupParent}/${container}`);
    this.files.set(container, files);
    return files;
  }

  private forget(container: string): void {
    this.files.get(container)?.close();
    this.files.delete(container);
  }

  private scrapeRoot(links: ReadonlyMap<string, LinkCounters>): Scraped {
    const interfaces = [...links.values()].filter(({ name }) => !NOT_THE_MACHINES.test(name) && name !== this.options.bridge);
    return { labels: ROOT, usage: usageOf(this.options.layout.mode, this.root.read), interfaces, startedAt: bootTime() };
  }

  private writeMachine(out: Exposition): void {
    const { cores, physicalCores, sockets, memoryBytes, swapBytes } = (this.size ??= machineSize());
    const { operatingSystem } = this.options.facts();
    out.family('machine_cpu_cores', 'gauge', 'Logical processors.').sample('', cores);
    out.family('machine_cpu_physical_cores', 'gauge', 'Cores.').sample('', physicalCores);
    out.family('machine_cpu_sockets', 'gauge', 'Sockets.').sample('', sockets);
    out.family('machine_memory_bytes', 'gauge', 'Memory.').sample('', memoryBytes);
    out.family('machine_swap_bytes', 'gauge', 'Swap.').sample('', swapBytes);
    const version = { cadvisorRevision: '', cadvisorVersion: '', dockerVersion: '', kernelVersion: release(), osVersion: operatingSystem };
    out.family('cadvisor_version_info', 'gauge', 'What dashboards read the versions of kernel and system from.').sample(labelText(version), 1);
  }

  /** What no task accounts for. A container that has just ended shows up for a moment: an alarm waits some minutes. */
  private async writeLeaks(links: ReadonlyMap<string, LinkCounters>, known: ReadonlySet<string>, out: Exposition): Promise<void> {
    const { layout, cgroupParent, withTasks, bridge } = this.options;
    const [directory = ''] = cgroupDirectories(layout, cgroupParent);
    const names = await readdir(directory).catch(() => []);
    const accounted = withTasks();
    const cgroups = names.filter((name) => /^[0-9a-f]{64}$/.test(name) && !accounted.has(name)).length;
    const bridges = new Set([...links.values()].filter(({ name }) => name === bridge).map(({ index }) => index));
    const veths = [...links.values()].filter(({ name, master }) => bridges.has(master) && name.startsWith('veth') && !known.has(name)).length;
    out.family('berth_leaked', 'gauge', 'Things of this engine that no task accounts for.');
    out.sample('kind="cgroup"', cgroups);
    out.sample('kind="veth"', veths);
  }
}

const ROOT = labelText({ id: '/', name: '', image: '', container: '' });
