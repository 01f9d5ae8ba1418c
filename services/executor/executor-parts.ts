import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import type { HostFacts } from '#contracts/executor/host.js';
import { detect } from '#libs/cgroup/layout.js';
import { ensureParent } from '#libs/cgroup/parent.js';
import { errorMessage } from '#libs/errors/errors.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { SnapshotSchedule } from '#libs/event-store/snapshot-schedule.js';
import { sealedCopy } from '#libs/linux/sealed-file.js';
import type { ServiceDependencies } from '#libs/messaging/service.js';
import { StreamServer } from '#libs/messaging/stream-server.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { ContainerFiles } from './adapters/host/container-files.js';
import { hostFacts } from './adapters/host/host-facts.js';
import { VolumeDirectories } from './adapters/host/volume-directories.js';
import { Firewall } from './adapters/network/firewall.js';
import { SandboxPool } from './adapters/network/sandbox-pool.js';
import { Zygote } from './adapters/shim/zygote.js';
import { LayerStore } from './adapters/snapshots/layer-store.js';
import { ExecLauncher } from './application/exec-launcher.js';
import { LiveTasks } from './application/live-tasks.js';
import { NetworksOnHost } from './application/networks-on-host.js';
import { PortPublisher } from './application/port-publisher.js';
import { TaskCauses } from './application/task-causes.js';
import { TaskControl } from './application/task-control.js';
import { TaskLauncher, type Tasks } from './application/task-launcher.js';
import { containerFilter } from './domain/seccomp/container-filter.js';
import { effectiveCapabilities } from './domain/spec/capabilities.js';
import { freezeTask, isOver, TASK_FOLD, taskDecider, thawTask } from './domain/task/task-decider.js';

const READY_SANDBOXES = 4;
const native = (name: string): string => fileURLToPath(new URL(`../../native/${name}`, import.meta.url));

/** Everything the executor consists of, wired by hand: plain classes that list what they use. */
export class ExecutorParts {
  readonly tasks: Tasks;
  readonly files: ContainerFiles;
  readonly volumes: VolumeDirectories;
  readonly layers: LayerStore;
  readonly streams: StreamServer;
  readonly sandboxes: SandboxPool;
  readonly zygote: Zygote;
  readonly live: LiveTasks;
  readonly launcher: TaskLauncher;
  readonly execs: ExecLauncher;
  readonly control: TaskControl;
  readonly networks: NetworksOnHost;
  readonly facts: () => HostFacts;
  private readonly snapshots: SnapshotSchedule;

  constructor(
    { store, settings }: Pick<ServiceDependencies<EngineSettings>, 'store' | 'settings'>,
    private readonly group: number,
  ) {
    const logger = new Logger('executor');
    const cgroups = detect();
    ensureParent(cgroups, settings.cgroupParent);
    const firewall = new Firewall(settings.nftTable);
    const ports = new PortPublisher(firewall);
    const causes = new TaskCauses();
    this.tasks = new Aggregates(store, 'task', taskDecider, {
      source: 'executor',
      isGone: isOver,
      snapshot: { path: `${settings.dataRoot}/executor/task.snapshot`, fold: TASK_FOLD, freeze: freezeTask, thaw: thawTask, beside: causes },
    });
    causes.listenTo(this.tasks);
    this.snapshots = new SnapshotSchedule([this.tasks], (error) => logger.error(errorMessage(error)));
    this.files = new ContainerFiles(settings.dataRoot);
    this.volumes = new VolumeDirectories(settings.dataRoot);
    this.layers = new LayerStore(settings.dataRoot);
    this.streams = new StreamServer(`${settings.runRoot}/executor.sock`);
    this.sandboxes = new SandboxPool(READY_SANDBOXES);
    // A copy in memory that nobody can change: a container that reaches its parent's binary finds nothing to overwrite.
    this.zygote = new Zygote(`/proc/${process.pid}/fd/${sealedCopy(native('berth-shim'), 'berth-shim')}`);
    this.live = new LiveTasks(this.tasks, causes, ports, (error) => logger.error(errorMessage(error)));
    this.launcher = new TaskLauncher(this.tasks, this.live, this.files, this.sandboxes, this.zygote, ports, (chainId) => this.layers.nameOf(chainId), {
      settings,
      cgroups,
      initPath: native('berth-init'),
      socketGroup: this.group,
    });
    this.execs = new ExecLauncher(this.tasks, this.live, causes, cgroups, settings);
    this.control = new TaskControl(this.tasks, this.live, this.files, this.streams);
    this.networks = new NetworksOnHost(firewall, this.live);
    this.facts = () => hostFacts(cgroups, settings);
  }

  async start(runRoot: string): Promise<void> {
    await this.layers.open();
    await this.tasks.start();
    await this.streams.listen();
    await this.streams.giveTo(this.group);
    this.zygote.warmUp();
    // Compiling the default filter takes longer than a start: done before the first one.
    containerFilter({ privileged: false, seccomp: 'default' }, effectiveCapabilities({ privileged: false, capAdd: [], capDrop: [] }));
    await this.live.adopt(runRoot);
    this.snapshots.start();
  }

  async stop(): Promise<void> {
    this.zygote.close();
    this.sandboxes.close();
    await this.streams.close();
    await this.snapshots.stop();
    await this.tasks.stop();
  }
}
