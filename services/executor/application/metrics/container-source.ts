import { release } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import type { ContainerEvent } from '#contracts/containers/events.js';
import type { HostFacts } from '#contracts/executor/host.js';
import { KeptCgroupFiles } from '#libs/cgroup/kept-files.js';
import type { CgroupLayout } from '#libs/cgroup/layout.js';
import { type CgroupUsage, usageOf } from '#libs/cgroup/usage.js';
import type { FoldedLog } from '#libs/event-store/fold.js';
import type { Snapshotted } from '#libs/event-store/snapshot-schedule.js';
import type { LinkCounters } from '#libs/netlink/link-counters.js';
import { type Exposition, labelText } from '#libs/telemetry/metrics/exposition.js';
import { LogFold } from '#libs/telemetry/metrics/log-fold.js';
import { RareLook } from '#libs/telemetry/metrics/rare-look.js';
import { BlockDevices, bootTime, layerFileSystem, type MachineSize, machineSize } from '../../adapters/metrics/machine.js';
import { lookAtProcesses } from '../../adapters/metrics/process-look.js';
import { type ContainerFacts, ContainerFold, type FrozenFacts } from '../../domain/metrics/container-facts.js';
import { loadAfter, type ProcessesSeen } from '../../domain/metrics/processes-seen.js';
import { type Scraped, seenFromWithin, writeContainers } from '../../domain/metrics/container-series.js';

/** Links of the machine's own that cAdvisor counts for no one. */
const NOT_THE_MACHINES = /^(lo|veth|docker)/;
/** Between two breaths of the event loop: a scrape of many containers must not hold up a start. */
const AT_ONCE = 50;
/** Looks at processes for one at all files. */
const WRITTEN_LOOKS = 5;

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
  /** Between two looks at what is dear to find out: processes one by one. */
  readonly lookSeconds: number;
  /** Bytes that a container has written; -1: nobody knows. */
  readonly written: (container: string) => Promise<number>;
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
  private readonly processes: RareLook<ReadonlyMap<string, ProcessesSeen>>;
  private readonly written: RareLook<ReadonlyMap<string, number>>;
  private seen: ReadonlyMap<string, ProcessesSeen> = new Map();
  private writtenBytes: ReadonlyMap<string, number> = new Map();

  constructor(
    store: FoldedLog,
    private readonly options: ContainerSourceOptions,
  ) {
    // Containers may be in a subtree; the machine is above all.
    const { subtree: _, ...machine } = options.layout;
    this.root = new KeptCgroupFiles(machine, '/');
    const { cgroupParent, shownLabels, dataRoot } = options;
    const initial = (): ContainerFold => new ContainerFold(cgroupParent, shownLabels);
    this.fold = new LogFold(store, {
      filters: ['berth.event.container.>'],
      initial,
      evolve: (fold, commit) => {
        // The containers service alone writes these subjects, and it validated them.
        for (const event of commit.events as readonly ContainerEvent[]) {
          fold.evolve(event);
          // Its cgroup goes with the run: the next one has another, of the same name. A scrape that was under way at its end may have looked for the files after it.
          if (event.type === 'ContainerExited' || event.type === 'ContainerStarted') this.forget(event.container);
        }
      },
      snapshot: {
        path: `${dataRoot}/executor/container-facts.snapshot`,
        fold: ContainerFold.version(cgroupParent, shownLabels),
        freeze: (fold) => fold.freeze(),
        thaw: (frozen) => initial().thaw(frozen as FrozenFacts), // what `freeze` gave
      },
    });
    const running = async (): Promise<ContainerFacts[]> => Array.from(await this.containers()).filter((facts) => facts.running);
    this.processes = new RareLook(async () => (this.seen = withLoads(await lookAtProcesses(options.layout, await running()), this.seen)), options.lookSeconds);
    this.written = new RareLook(async () => (this.writtenBytes = await writtenBy((await running()).map(({ id }) => id), options.written)), options.lookSeconds * WRITTEN_LOOKS);
  }

  /** What is saved along with the executor's other folds. */
  get snapshotted(): Snapshotted {
    return this.fold;
  }

  /** All that are on the log. */
  async containers(): Promise<Iterable<ContainerFacts>> {
    return (await this.fold.read()).containers.values();
  }

  async write(out: Exposition): Promise<void> {
    const { containers } = await this.fold.read();
    const processes = await this.processes.read();
    // Counting takes its time: the first scrape goes without, and what cannot be counted is left out.
    void this.written.read().catch(() => undefined);
    const links = new Map(this.options.linkCounters().map((link) => [link.name, link]));
    let failures = 0;
    // What of one cannot be read takes nothing from the others.
    const usageBy = (files: KeptCgroupFiles): CgroupUsage => {
      try {
        return usageOf(this.options.layout.mode, files.look());
      } catch {
        failures++;
        return {};
      }
    };
    const scraped: Scraped[] = [{ ...this.machineSeen(links), usage: usageBy(this.root) }];
    for (const facts of containers.values()) {
      if (!facts.running) continue;
      const usage = usageBy(this.filesOf(facts));
      const link = links.get(facts.link);
      scraped.push({ labels: facts.labels, usage, interfaces: link ? [seenFromWithin('eth0', link)] : [], facts, startedAt: facts.startedAt, ...seenOf(facts.id, processes, this.writtenBytes) });
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
    out.family('container_scrape_error', 'gauge', '1 when something could not be read.').sample('', failures > 0 ? 1 : 0);
    this.writeMachine(out);
  }

  async stop(): Promise<void> {
    await this.fold.stop();
    for (const files of this.files.values()) files.close();
    this.files.clear();
    this.root.close();
  }

  private filesOf({ id, cgroup }: ContainerFacts): KeptCgroupFiles {
    const known = this.files.get(id);
    if (known) return known;
    const files = new KeptCgroupFiles(this.options.layout, cgroup);
    this.files.set(id, files);
    return files;
  }

  private forget(container: string): void {
    this.files.get(container)?.close();
    this.files.delete(container);
  }

  private machineSeen(links: ReadonlyMap<string, LinkCounters>): Omit<Scraped, 'usage'> {
    const interfaces = [...links.values()].filter(({ name }) => !NOT_THE_MACHINES.test(name) && name !== this.options.bridge);
    return { labels: ROOT, interfaces, startedAt: bootTime() };
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
}

function seenOf(container: string, seen: ReadonlyMap<string, ProcessesSeen>, bytes: ReadonlyMap<string, number>): Pick<Scraped, 'processes' | 'writtenBytes'> {
  const processes = seen.get(container);
  const writtenBytes = bytes.get(container);
  return { ...(processes && { processes }), ...(writtenBytes !== undefined && { writtenBytes }) };
}

function withLoads(looked: ReadonlyMap<string, ProcessesSeen>, before: ReadonlyMap<string, ProcessesSeen>): ReadonlyMap<string, ProcessesSeen> {
  const at = performance.now() / 1000;
  return new Map(Array.from(looked, ([id, seen]) => [id, { ...seen, load: loadAfter(before.get(id)?.load, seen.states.running, at) }]));
}

/** One after the other: who asks for a size waits for one of them at the most. */
async function writtenBy(containers: readonly string[], written: (container: string) => Promise<number>): Promise<ReadonlyMap<string, number>> {
  const bytes = new Map<string, number>();
  for (const container of containers) {
    const count = await written(container);
    if (count >= 0) bytes.set(container, count);
  }
  return bytes;
}

const ROOT = labelText({ id: '/', name: '', image: '', container: '' });
