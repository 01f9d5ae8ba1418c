import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { HostFacts } from '#contracts/executor/host.js';
import { detect } from '#libs/cgroup/layout.js';
import { ensureParent } from '#libs/cgroup/parent.js';
import { unavailable } from '#libs/errors/errors.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { SnapshotSchedule } from '#libs/event-store/snapshot-schedule.js';
import { sealedCopy } from '#libs/linux/sealed-file.js';
import type { ServiceDependencies } from '#libs/messaging/service.js';
import type { LinkCounters } from '#libs/netlink/link-counters.js';
import type { Exposition } from '#libs/telemetry/metrics/exposition.js';
import { StreamServer } from '#libs/messaging/stream-server.js';
import { accountFiles } from '#libs/settings/account-files.js';
import { idMapsOf, privateIdMaps } from '#libs/settings/subordinate-ids.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { BindSources } from './adapters/host/bind-source.js';
import { CgroupParents } from './adapters/host/cgroup-parents.js';
import { AppArmor } from './adapters/host/app-armor.js';
import { ContainerCgroups } from './adapters/host/container-cgroups.js';
import type { LogFields } from '#libs/telemetry/log-record.js';
import { logger } from '#libs/telemetry/logger.js';
import { ContainerFiles, SPARE_FILES } from './adapters/host/container-files.js';
import { KeptRemovals } from './adapters/host/kept-removals.js';
import { SpareDirectories } from './adapters/host/spare-directories.js';
import { Trash } from './adapters/host/trash.js';
import { HostDevices } from './adapters/host/host-devices.js';
import { hostFacts } from './adapters/host/host-facts.js';
import { RuntimeWarnings } from './adapters/runtimes/runtime-warnings.js';
import { maskedPaths } from './adapters/host/masked-paths.js';
import { joinDelegatedScope } from './adapters/host/systemd-scope.js';
import { VolumeDirectories } from './adapters/host/volume-directories.js';
import { Firewall } from './adapters/network/firewall.js';
import { Forwarding } from './adapters/network/forwarding.js';
import { GivenAddresses } from './adapters/network/given-addresses.js';
import { HostPorts } from './adapters/network/host-ports.js';
import { RouteSocket } from './adapters/network/route-socket.js';
import { Sandboxes } from './adapters/network/sandboxes.js';
import { UdpFlows } from './adapters/network/udp-flows.js';
import { Zygote } from './adapters/shim/zygote.js';
import { LayerStore } from './adapters/snapshots/layer-store.js';
import { SyncProbe } from './adapters/metrics/sync-probe.js';
import { ContainerSource } from './application/metrics/container-source.js';
import { FileSizes } from './application/metrics/file-sizes.js';
import { OverlaySnapshotter } from './adapters/snapshots/overlay-snapshotter.js';
import type { Snapshotter } from './adapters/snapshots/snapshotter.js';
import { VfsSnapshotter } from './adapters/snapshots/vfs-snapshotter.js';
import { TreeThreads } from './adapters/trees/tree-threads.js';
import { ContainerUsers } from './application/launch/container-users.js';
import { ExecLauncher } from './application/launch/exec-launcher.js';
import { HostLook } from './application/metrics/host-look.js';
import { HostWatch } from './application/metrics/host-watch.js';
import { LiveTasks } from './application/tasks/live-tasks.js';
import { LogCompression } from './application/logs/log-compression.js';
import { LogForwarding } from './application/logs/log-forwarding.js';
import { LoggerMetrics } from './application/logs/logger-metrics.js';
import { LostKeepers } from './application/tasks/lost-keepers.js';
import { NetworksOnHost } from './application/networks/networks-on-host.js';
import { OomWatch } from './application/tasks/oom-watch.js';
import { OciRuntimes } from './application/launch/oci-runtimes.js';
import { PortChanges } from './application/networks/port-changes.js';
import { PortPublisher } from './application/networks/port-publisher.js';
import { TaskAdoption } from './application/tasks/task-adoption.js';
import { TaskCauses } from './application/tasks/task-causes.js';
import { TaskControl } from './application/tasks/task-control.js';
import { TaskMemory } from './application/tasks/task-memory.js';
import { RootArchives } from './application/copies/root-archives.js';
import { ThreadsApart } from './application/copies/threads-apart.js';
import { TaskUsage } from './application/metrics/task-usage.js';
import { UserNamespaceIds } from './application/launch/user-namespace-ids.js';
import { TaskLauncher, type Tasks } from './application/launch/task-launcher.js';
import { containerFilter } from './domain/seccomp/container-filter.js';
import { effectiveCapabilities } from './domain/spec/capabilities.js';
import { freezeTask, TASK_FOLD, taskDecider, thawTask } from './domain/task/task-decider.js';
import { metricsSettings } from './metrics-settings.js';
import { traceExecutor } from './trace-executor.js';

const READY_SANDBOXES = 4;
const READY_DIRECTORIES = 8;
/** For an exit just told: else its shim waits for the next executor to let it go. */
const STOP_PATIENCE_MS = 1_000;
const linkCounters = (): readonly LinkCounters[] => {
  using routes = new RouteSocket();
  return routes.counters();
};
const native = (name: string): string => fileURLToPath(new URL(`../../native/${name}`, import.meta.url));

/** Everything the executor consists of, wired by hand: plain classes that list what they use. */
export class ExecutorParts {
  private readonly log = logger('executor');
  private readonly settings: EngineSettings;
  readonly tasks: Tasks;
  readonly files: ContainerFiles;
  readonly kept: KeptRemovals;
  readonly volumes: VolumeDirectories;
  readonly binds: BindSources;
  readonly trees = new TreeThreads();
  private readonly apart = new ThreadsApart();
  readonly sizes: FileSizes;
  private readonly trash: Trash;
  readonly layers: LayerStore;
  /** Overlay until `start` has found that there is none. */
  roots: Snapshotter;
  readonly streams: StreamServer;
  readonly sandboxes: Sandboxes;
  private readonly ids: UserNamespaceIds;
  private readonly appArmor = AppArmor.find(process.env);
  readonly zygote: Zygote;
  private readonly hostPorts = new HostPorts();
  readonly ports: PortPublisher;
  readonly live: LiveTasks;
  readonly memory: TaskMemory;
  readonly adoption: TaskAdoption;
  readonly launcher: TaskLauncher;
  readonly execs: ExecLauncher;
  readonly users: ContainerUsers;
  readonly control: TaskControl;
  readonly portChanges: PortChanges;
  readonly usage: TaskUsage;
  readonly archives: RootArchives;
  readonly networks: NetworksOnHost;
  readonly facts: () => HostFacts;
  readonly runtimeWarnings = new RuntimeWarnings();
  readonly metrics: ContainerSource;
  readonly hostWatch: HostWatch;
  readonly logs = new LoggerMetrics();
  private readonly spares: SpareDirectories;
  private readonly compression: LogCompression;
  readonly forwarding: LogForwarding;
  private readonly syncProbe: SyncProbe | undefined;
  private readonly snapshots: SnapshotSchedule;

  constructor(
    { store, settings }: Pick<ServiceDependencies<EngineSettings>, 'store' | 'settings'>,
    /** gid that may open streams of this executor and its shims. */
    private readonly group: number,
  ) {
    this.settings = settings;
    const cgroups = joinDelegatedScope(detect(), settings.cgroupParent);
    ensureParent(cgroups, settings.cgroupParent);
    const firewall = new Firewall(settings.nftTable);
    const flows = new UdpFlows((error) => this.log.warn('the kernel could not be told to forget flows to published udp ports', { error }));
    this.ports = new PortPublisher(firewall, this.hostPorts, flows);
    const causes = new TaskCauses();
    const snapshot = { path: `${settings.dataRoot}/executor/task.snapshot`, fold: TASK_FOLD, freeze: freezeTask, thaw: thawTask, beside: causes };
    this.tasks = new Aggregates(store, 'task', taskDecider, { source: 'executor', snapshot });
    causes.listenTo(this.tasks);
    this.trash = new Trash(`${settings.dataRoot}/trash`, this.trees, (error) => this.log.error('what was removed could not be taken off the disk', { error }));
    this.spares = new SpareDirectories(`${settings.dataRoot}/executor/spare`, READY_DIRECTORIES);
    this.files = new ContainerFiles(settings.dataRoot, this.trash, this.spares);
    this.kept = new KeptRemovals(settings.dataRoot, this.trash);
    this.volumes = new VolumeDirectories(settings.dataRoot, this.trees, this.trash);
    this.sizes = new FileSizes(this.files, this.volumes, this.kept, () => this.roots);
    this.layers = new LayerStore(settings.dataRoot, this.trees);
    this.streams = new StreamServer(`${settings.runRoot}/executor.sock`);
    this.ids = new UserNamespaceIds(settings.usernsRemap === undefined ? undefined : idMapsOf(settings.usernsRemap, accountFiles()), () => privateIdMaps(settings.usernsPrivate, accountFiles()), settings.usernsPrivate);
    this.sandboxes = new Sandboxes(READY_SANDBOXES, this.ids.engine);
    // A copy in memory that nobody can change: a container that reaches its parent's binary finds nothing to overwrite.
    this.zygote = new Zygote(`/proc/${process.pid}/fd/${sealedCopy(native('berth-shim'), 'berth-shim')}`);
    const onError = (error: unknown, about: LogFields): void => this.log.error('what a shim told could not be acted on', { ...about, error });
    const containerCgroups = new ContainerCgroups(cgroups, settings.cgroupParent);
    const parents = new CgroupParents(cgroups, `${settings.runRoot}/cgroup-parents`);
    this.users = new ContainerUsers((id) => this.live.get(id));
    const runtimes = new OciRuntimes(this.trees, this.users, settings);
    this.memory = new TaskMemory(this.tasks, (container) => existsSync(this.files.directory(container)));
    this.compression = new LogCompression(this.files, (error, about) => this.log.error('a rotated log could not be compressed', { ...about, error }));
    this.forwarding = new LogForwarding(this.files, (error, about) => {
      this.logs.wrote({ failedWrites: 1, longLines: 0 });
      this.log.warn('a log cannot be sent where it should go', { ...about, error });
    });
    this.live = new LiveTasks(this.tasks, causes, this.ports, new LostKeepers(containerCgroups, runtimes, this.apart), parents, this.logs, this.compression, new OomWatch(cgroups, containerCgroups), onError);
    this.adoption = new TaskAdoption(this.tasks, this.live, containerCgroups, settings.runRoot, (task) => this.launcher.withdraw(task), onError);
    this.networks = new NetworksOnHost(firewall, new Forwarding(`${settings.runRoot}/forwarding`), new GivenAddresses(`${settings.dataRoot}/executor/given-addresses`), this.live, flows, store, `${settings.dataRoot}/executor/networks-on-host.snapshot`, (message, error) => this.log.error(message, { error }));
    this.binds = new BindSources(`${settings.dataRoot}/volumes`, this.trees, this.apart);
    this.archives = new RootArchives(this.live, this.files, () => this.roots, this.layers.root, (chainId) => this.layers.nameOf(chainId), this.binds, this.streams, (error, about) => this.log.warn('a copy was ended for others', { ...about, error }));
    this.launcher = new TaskLauncher(this.tasks, this.memory, this.live, this.forwarding, this.files, this.sandboxes, this.ids, this.zygote, containerCgroups, parents, this.ports, this.networks, runtimes, this.binds, new HostDevices(this.apart), this.archives.forStarts, (chainId) => this.layers.nameOf(chainId), {
      settings,
      cgroups,
      appArmor: this.appArmor,
      initPath: native('berth-init'),
      maskedPaths: maskedPaths(),
      socketGroup: this.group,
    }, (error, about) => this.log.error('a start that failed could not be undone', { ...about, error }));
    this.execs = new ExecLauncher(this.tasks, this.live, causes, cgroups, containerCgroups, store, runtimes, this.appArmor);
    this.control = new TaskControl(this.tasks, this.live, containerCgroups, this.files, this.streams, this.logs.readFailed);
    this.portChanges = new PortChanges(this.tasks, this.live, this.ports);
    this.usage = new TaskUsage(this.live, containerCgroups, cgroups, linkCounters);
    this.roots = new OverlaySnapshotter(this.layers.root);
    this.facts = () => hostFacts(cgroups, settings, this.roots.driver, this.appArmor !== undefined);
    const { lookSeconds, ...shown } = metricsSettings(process.env);
    // A log server of somebody else's has its disk elsewhere.
    if (settings.natsEmbedded) this.syncProbe = new SyncProbe(`${settings.dataRoot}/executor/sync-probe`, lookSeconds);
    this.metrics = new ContainerSource(store, {
      ...shown,
      lookSeconds,
      layout: cgroups,
      cgroupParent: settings.cgroupParent,
      bridge: settings.bridge,
      dataRoot: settings.dataRoot,
      facts: this.facts,
      written: (container) => this.sizes.writtenBy(container),
      linkCounters,
    });
    this.snapshots = new SnapshotSchedule([this.tasks, this.networks, this.metrics.snapshotted], (error) => this.log.error('a snapshot could not be saved', { error }));
    const look = new HostLook(() => this.metrics.containers(), this.live, this.networks, firewall, linkCounters, { ...settings, layout: cgroups });
    this.hostWatch = new HostWatch(() => look.take(), lookSeconds, (difference) => this.log.warn('the host is not as wished', { ...difference }));
    traceExecutor(this);
  }

  /** The executor's page, but for what all processes tell. */
  async writeMetrics(out: Exposition): Promise<void> {
    await this.metrics.write(out);
    await this.hostWatch.write(out);
    await this.syncProbe?.write(out);
  }

  async start(): Promise<void> {
    await this.layers.open((error) => this.log.warn('a layer that is not whole could not be removed', { error }));
    this.trash.emptySoon();
    // Not awaited: a start or exec that finds it missing waits for it, and tells what went wrong.
    const unconfined = AppArmor.trouble(process.env);
    if (unconfined !== undefined) this.log.warn(unconfined);
    void this.appArmor?.load().catch((error: unknown) => this.log.error('the AppArmor profile of containers could not be loaded', { error }));
    await Promise.all([this.tasks.start(), this.chooseRoots()]);
    await this.spares.start({ directories: this.roots.own, files: SPARE_FILES }, this.trash);
    await this.streams.listen();
    await this.streams.giveTo(this.group);
    this.zygote.warmUp();
    // Compiling the default filter takes longer than a start: done before the first one.
    containerFilter({ privileged: false, seccomp: 'default' }, effectiveCapabilities({ privileged: false, capAdd: [], capDrop: [] }));
    await this.adoption.adopt();
    this.memory.sweep();
    for (const task of this.live.all()) await this.ports.holdAgain(task).catch((error: unknown) => this.log.warn('a published port of a running container could not be held', { container: task.identity.container, error }));
    await this.networks.start();
    this.compression.lookAtAll();
    void this.forwarding.adopt(this.live.all());
    this.snapshots.start();
  }

  private async chooseRoots(): Promise<void> {
    const { storageDriver } = this.settings;
    const isThere = storageDriver !== 'vfs' && ((await this.trees.run('probeOverlay', { directory: this.layers.root })) ?? !this.hasWholeRoots());
    if (storageDriver === 'overlay2' && !isThere) throw unavailable(`BERTH_STORAGE_DRIVER=overlay2: the kernel makes no overlay in ${this.layers.root}`);
    if (!isThere) this.roots = new VfsSnapshotter(this.layers.root, this.trees);
    if (this.ids.engine === undefined || !isThere) return;
    const missing = await this.trees.run('probeMappedOverlay', { directory: this.layers.root, ids: this.ids.engine });
    if (missing !== undefined) throw unavailable(`BERTH_USERNS_REMAP: the kernel makes no overlay with other ids in ${this.layers.root}: ${missing}`);
  }

  /** Whether a container was made where there was no overlay. */
  private hasWholeRoots(): boolean {
    return this.files.containers().some((container) => VfsSnapshotter.made(this.files.directory(container)));
  }

  async stop(): Promise<void> {
    await this.live.settled(STOP_PATIENCE_MS);
    await Promise.all([this.compression.stop(), this.forwarding.stop()]);
    this.spares.close();
    this.trash.close();
    this.zygote.close();
    this.sandboxes.close();
    await this.streams.close();
    await Promise.all([this.trees.close(), this.sizes.close(), this.archives.close(), this.users.close(), this.apart.close()]);
    await this.snapshots.stop();
    await Promise.all([this.metrics.stop(), this.tasks.stop(), this.networks.stop()]);
    this.hostPorts.close();
  }
}
