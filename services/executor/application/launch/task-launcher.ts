import { mkdirSync } from 'node:fs';
import type { IdMaps } from '#contracts/executor/id-maps.js';
import type { EndpointSettings } from '#contracts/containers/container-state.js';
import type { LaunchFields, PublishedEndpoint, TaskEvent } from '#contracts/executor/tasks.js';
import type { RequestContext } from '#contracts/request.js';
import { deviceFilter } from '#libs/cgroup/device-filter.js';
import { cgroupDirectories, type CgroupLayout, controllerDirectory, wholePath } from '#libs/cgroup/layout.js';
import { limitWrites } from '#libs/cgroup/limits.js';
import { BerthError, conflict, errorMessage, internal, invalid, unclassified } from '#libs/errors/errors.js';
import type { Aggregates } from '#libs/event-store/aggregates.js';
import { failpoint } from '#libs/failpoint/failpoint.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import type { LogFields } from '#libs/telemetry/log-record.js';
import type { AppArmor } from '../../adapters/host/app-armor.js';
import type { BindSources } from '../../adapters/host/bind-source.js';
import type { CgroupParents } from '../../adapters/host/cgroup-parents.js';
import type { ContainerCgroups } from '../../adapters/host/container-cgroups.js';
import type { ContainerFiles } from '../../adapters/host/container-files.js';
import { LentNamespaces, type NamespaceName } from '../../adapters/host/lent-namespaces.js';
import { type HostDevices, hostDevices } from '../../adapters/host/host-devices.js';
import { detachLink, isOnAnotherBridge, NetworkSandbox } from '../../adapters/network/sandbox.js';
import type { Sandboxes } from '../../adapters/network/sandboxes.js';
import { recordPlan } from '../../adapters/shim/step-spans.js';
import type { Snapshotter } from '../../adapters/snapshots/snapshotter.js';
import type { Zygote } from '../../adapters/shim/zygote.js';
import type { CdiEdits } from '../../domain/cdi/cdi-spec.js';
import { editsFor } from '../../domain/cdi/select-devices.js';
import { hostLinkName } from '../../domain/host-link-name.js';
import { compilePlan, type PlanRun } from '../../domain/plan/compile-plan.js';
import { encodePlan, type Plan } from '../../domain/plan/encode-plan.js';
import { startFailure } from '../../domain/plan/start-failure.js';
import { phaseTimes } from '../../domain/plan/step-times.js';
import { buildSpec } from '../../domain/spec/build-spec.js';
import { hostnameFile, hostsFile, resolvConf } from '../../domain/spec/files.js';
import type { Task, TaskCommand } from '../../domain/task/task-decider.js';
import { LiveTask, type Started, taskId } from '../tasks/live-task.js';
import type { LiveTasks } from '../tasks/live-tasks.js';
import type { LogForwarding } from '../logs/log-forwarding.js';
import type { TaskMemory } from '../tasks/task-memory.js';
import type { NetworksOnHost } from '../networks/networks-on-host.js';
import { type PortPublisher, rulesOf } from '../networks/port-publisher.js';
import type { OciRuntimes } from './oci-runtimes.js';
import type { UserNamespaceIds } from './user-namespace-ids.js';

export type Tasks = Aggregates<Task, TaskCommand, TaskEvent>;

export interface LaunchHost {
  readonly settings: EngineSettings;
  readonly cgroups: CgroupLayout;
  /** Undefined: the host has none. */
  readonly appArmor: AppArmor | undefined;
  readonly initPath: string;
  /** What it has to hide from containers. */
  readonly maskedPaths: readonly string[];
  /** gid of the engine's group: its gateway opens shims' streams. */
  readonly socketGroup: number;
}

interface Prepared {
  readonly plan: Plan;
  readonly encoded: Uint8Array;
  /** What making its root of layers took, in microseconds. */
  readonly snapshot: number;
  /** What the plan names by paths that lead to open files of this process: until the container runs. */
  readonly held: Disposable;
}

/** The task of a container that another is to share something with. */
interface Lender {
  readonly what: 'the network' | 'the processes' | 'the IPC';
  readonly container: string;
  readonly task: LiveTask;
}

/** What has to be joined for it; of procfs and of memory, the mount is taken. */
const NAMESPACES: Readonly<Record<Lender['what'], readonly NamespaceName[]>> = { 'the network': ['net'], 'the processes': ['pid', 'mnt'], 'the IPC': ['ipc', 'mnt'] };

/** By what is shared. */
type Lent = ReadonlyMap<Lender['what'], LentNamespaces>;

/** One run of one container: intent, files, sandbox, plan, shim. What fails leaves nothing behind: sandbox and links go with their descriptor, the rest with the shim's exit steps. */
export class TaskLauncher {
  constructor(
    private readonly tasks: Tasks,
    private readonly memory: TaskMemory,
    private readonly live: LiveTasks,
    private readonly forwarding: LogForwarding,
    private readonly files: ContainerFiles,
    private readonly sandboxes: Sandboxes,
    private readonly ids: UserNamespaceIds,
    private readonly zygote: Zygote,
    private readonly containerCgroups: ContainerCgroups,
    private readonly parents: CgroupParents,
    private readonly ports: PortPublisher,
    private readonly networks: NetworksOnHost,
    private readonly runtimes: OciRuntimes,
    private readonly binds: BindSources,
    private readonly devices: HostDevices,
    private readonly roots: () => Snapshotter,
    private readonly layerName: (chainId: string) => string,
    private readonly host: LaunchHost,
    private readonly onError: (error: unknown, about: LogFields) => void,
  ) {}

  /** One start, however often it is asked for, and before the log knows of it: who asks again, since an answer was lost, gets the answer of the first. */
  launch(launch: LaunchFields, asked: RequestContext): Promise<Started> {
    const identity = { container: launch.container, start: launch.start };
    const id = taskId(identity);
    const first = this.live.startOf(id);
    if (first) return first;
    const { state } = this.tasks.get(id);
    if (state.status === 'running' || state.status === 'exited') return Promise.resolve({ pid: state.pid, startedAt: state.startedAt, position: this.tasks.position });
    const task = new LiveTask(identity, `${this.host.settings.runRoot}/tasks/${id}`);
    task.runtime = launch.runtime;
    task.cgroupParent = launch.cgroupParent;
    task.ids = this.idsOf(launch);
    return this.live.begin(task, () => this.start(task, launch, asked));
  }

  /** A container that shares a namespace is in the user namespace that it belongs to. */
  private idsOf(launch: LaunchFields): IdMaps | undefined {
    const owner = this.ownerOf(launch, this.lendersOf(launch));
    return owner ? owner.task.ids : this.ids.choose(launch.userNamespace, this.live.all());
  }

  /** Of `lenders` the one whose user namespace this task is to be in; undefined: in one of its own, or the host's. */
  private ownerOf<T extends Lender>(launch: LaunchFields, lenders: readonly T[]): T | undefined {
    if (launch.userNamespace === undefined) return undefined;
    for (const { what, container, task } of lenders) if (task.ids === undefined) throw conflict(`cannot join ${what} of ${container}, which has the host's user namespace: use --userns host`);
    return lenders[0];
  }

  /** The tasks whose namespaces this one is to be in. One that does not run is refused in the words for what was to be shared. */
  private lendersOf({ network, joins = {} }: LaunchFields): readonly Lender[] {
    const wanted = [['the network', network.mode === 'container' ? network.container : undefined], ['the processes', joins.pid], ['the IPC', joins.ipc]] as const;
    return wanted.flatMap(([what, container]) => {
      const task = container === undefined ? undefined : this.live.byContainer(container);
      return container !== undefined && task && !task.hasExited ? [{ what, container, task }] : [];
    });
  }

  private async start(task: LiveTask, launch: LaunchFields, asked: RequestContext): Promise<Started> {
    const { identity } = task;
    const id = taskId(identity);
    const lenders = this.lendersOf(launch);
    let held: Disposable | undefined;
    try {
      // The files and the sandbox are the container's own and go with it or with their descriptor: they need not wait for the intent.
      const [request, preparation] = await Promise.allSettled([
        this.tasks.execute(id, { type: 'Request', ...identity, ...publishedBy(launch), ...(launch.runtime ? { runtime: launch.runtime } : {}), ...(launch.cgroupParent === undefined ? {} : { cgroupParent: launch.cgroupParent }), ...(task.ids ? { ids: task.ids } : {}), at: new Date().toISOString() }, asked),
        this.prepare(launch, task, lenders),
      ]);
      if (preparation.status === 'fulfilled') ({ held } = preparation.value);
      if (request.status === 'rejected') throw request.reason;
      const { position, state } = request.value;
      if (state.status === 'exited') return await this.asItWent(task, state);
      if (preparation.status === 'rejected') throw preparation.reason;
      const { plan, encoded, snapshot } = preparation.value;
      await failpoint('task.prepared');
      // To prepare can take as long as a client likes; and a network, or memory, of one that has ended is of no use.
      for (const { what, container, task: lender } of lenders) if (lender.hasExited || this.live.byContainer(container) !== lender) throw conflict(`cannot join ${what} of container ${container}: it has ended meanwhile`);
      const late = task.lateTickets ?? [];
      task.lateTickets = undefined;
      await this.zygote.spawnShim(late.length === 0 ? encoded : encodePlan(withTickets(plan, late)), task.directory);
      await failpoint('task.spawned');
      const outcome = this.live.outcomeOf(task);
      await Promise.all([this.live.connect(task), outcome]);
      const started = await outcome;
      await failpoint('task.reported');
      if (started.times) recordPlan(plan, started.times);
      if (started.type === 'failed') throw (task.runtime && (await this.runtimes.failure(task, 'create'))) || startFailure(plan, started.step, started.errno, launch.process.args[0] ?? '');
      task.pid = started.pid;
      // Not awaited: it has started, whether or not the log knows yet. Who dies before it does finds the shim by the request (TaskAdoption).
      this.live.recordStart(task, { ...started, took: { snapshot, ...(started.times ? phaseTimes(plan, started.times) : {}) } }, asked);
      this.memory.started(identity);
      return { pid: started.pid, startedAt: started.at, position };
    } catch (error) {
      await this.undo(task, asked, error);
      throw error;
    } finally {
      // Processes in them keep the namespaces; without any, they go now.
      held?.[Symbol.dispose]();
    }
  }

  /**
   * Asked for again after its end, when this executor had forgotten it: the answer was lost with its predecessor, and the container may be gone by now. It is not run
   * twice, and what was made for it goes. Nothing of the container's is ended: that may be the next run.
   */
  private async asItWent(task: LiveTask, { pid, startedAt }: { readonly pid: number; readonly startedAt: string }): Promise<Started> {
    await this.live.leave(task);
    await this.ports.unpublish(task);
    if (task.madeFiles !== undefined) await this.files.removeMade(task.identity.container, task.madeFiles);
    this.memory.ended(task.identity);
    return { pid, startedAt, position: this.tasks.position };
  }

  private async undo(task: LiveTask, asked: RequestContext, error: unknown): Promise<void> {
    try {
      await this.live.dismiss(task).finally(() => this.withdraw(task));
      await failpoint('task.undone');
    } catch (left) {
      this.onError(left, { container: task.identity.container });
    }
    // Whatever could not be undone, this run is over: asked for still, it would be finished by a later executor, in the cgroup that the next run is in by then.
    const message = error instanceof Error ? error.message : String(error);
    await this.tasks.execute(taskId(task.identity), { type: 'RecordFailed', ...task.identity, error: message, at: new Date().toISOString() }, asked).catch(() => undefined);
  }

  /** What is published of one that is over goes. What the firewall cannot be told to forget goes with all of its rules, which are made anew without. */
  withdraw(task: LiveTask): Promise<void> {
    const rules = rulesOf(task);
    return this.ports.unpublish(task).catch(() => this.networks.restore(rules));
  }

  /** In the host's network the host's own names count, unless others were asked for. */
  private hostsOf({ network, hostname, domainname, extraHosts }: LaunchFields): string {
    if (network.mode === 'host' && extraHosts.length === 0) return this.files.hostHosts();
    const address = network.mode === 'bridge' ? { address: network.endpoint.address } : {};
    return hostsFile({ hostname, domainname, extraHosts, ...address, hostGateway: this.networks.gatewayOf(this.host.settings.bridge) });
  }

  private async prepare(launch: LaunchFields, task: LiveTask, lenders: readonly Lender[]): Promise<Prepared> {
    const { network } = launch;
    const held = new DisposableStack();
    try {
      const owners: readonly NamespaceName[] = task.ids ? ['user'] : [];
      const lent = lenders.map((lender) => ({ ...lender, namespaces: held.use(LentNamespaces.of(lender.container, lender.task.pid, [...NAMESPACES[lender.what], ...owners])) }));
      const owner = this.ownerOf(launch, lent);
      const other = owner && lent.find(({ namespaces }) => !namespaces.isSame('user', owner.namespaces));
      if (other) throw conflict(`cannot join ${owner.what} of ${owner.container} and ${other.what} of ${other.container}: each has a user namespace of its own`);
      const sandbox = network.mode !== 'bridge' && network.mode !== 'none' ? undefined : held.use(owner ? NetworkSandbox.within(owner.namespaces.path('user')) : this.sandboxes.take(task.ids));
      // The kernel sets up the link while the plan is written. Both to the end: what still works on the sandbox must not see its descriptor closed, and given to somebody else.
      const attached = network.mode === 'bridge' && sandbox ? this.attach(sandbox, network.endpoint, network.linkLocalAddresses) : undefined;
      const planned = this.plan(launch, task, sandbox, new Map(lent.map(({ what, namespaces }) => [what, namespaces]))).then((planned) => ({ ...planned, encoded: encodePlan(planned.plan) }));
      const [link, written] = await Promise.allSettled([attached, planned]);
      if (link.status === 'rejected') throw link.reason;
      if (written.status === 'rejected') throw written.reason;
      return { ...written.value, held };
    } catch (error) {
      held.dispose();
      throw error;
    }
  }

  /** All on the host that the plan speaks of, and the plan. */
  private async plan(launch: LaunchFields, task: LiveTask, sandbox: NetworkSandbox | undefined, lent: Lent): Promise<Pick<Prepared, 'plan' | 'snapshot'>> {
    const { container } = launch;
    const { settings, cgroups } = this.host;
    const endpoint = launch.network.mode === 'bridge' ? launch.network.endpoint : undefined;
    const [shared, processes, ipc] = [lent.get('the network'), lent.get('the processes'), lent.get('the IPC')];
    if (launch.network.mode === 'container' && !shared) throw conflict(`cannot join network namespace of a non running container: container ${launch.network.container} is not running`);
    // As dockerd has it: the one is a conflict, the other is not.
    if (launch.joins?.pid !== undefined && !processes) throw unclassified(`failed to join PID namespace: container ${launch.joins.pid} is not running`);
    if (launch.joins?.ipc !== undefined && !ipc) throw conflict(`failed to join IPC namespace: container ${launch.joins.ipc} is not running`);
    // A container among the host's processes has none to share, and no procfs of its own.
    const areTheHosts = processes?.isTheHosts('pid') ?? false;
    const hostNamespaces = [...(launch.hostNamespaces ?? []), ...(areTheHosts ? ['pid' as const] : [])];
    await this.prepareFiles(launch, task);
    const apparmorProfile = await this.host.appArmor?.profileFor(launch.security);
    const before = performance.now();
    const root = await this.roots().prepare({ directory: this.files.directory(container), layers: launch.layers.map(this.layerName) });
    const snapshot = Math.round(1000 * (performance.now() - before));
    const mounts = this.binds.asParts(launch.mounts);
    for (const mount of mounts) if (mount.type === 'bind') await this.binds.prepare(mount);
    if (endpoint) await this.publish(task, endpoint, launch.name);
    if (launch.cgroupParent !== undefined) this.makeParent(launch.cgroupParent);
    const path = this.containerCgroups.path(task.place);
    const directories = cgroupDirectories(cgroups, path);
    const networkPath = sandbox?.path ?? shared?.path('net');
    const userNamespacePath = task.ids && (sandbox?.ownerPath ?? shared?.path('user'));
    const asked = await this.devices.asked(launch.devices ?? []);
    const throttles = await this.devices.throttled(launch.resources.throttles ?? []);
    const cdi = launch.cdiDevices ? await this.named(launch.cdiDevices, launch.runtime) : undefined;
    const spec = buildSpec({ ...launch, mounts, hostNamespaces }, {
      // A container in another's network has the other's hosts, hostname and resolv.conf, too.
      containerDirectory: this.files.directory(launch.network.mode === 'container' ? launch.network.container : container),
      root,
      rootTarget: `${settings.runRoot}/root`,
      cgroupDirectories: directories,
      cgroupsPath: wholePath(cgroups, path),
      cgroupMode: cgroups.mode,
      initPath: this.host.initPath,
      maskedPaths: this.host.maskedPaths,
      ...(launch.security.privileged ? { hostDevices: hostDevices() } : {}),
      ...(launch.devices || cdi ? { askedDevices: [...asked, ...(await this.devices.named(cdi?.deviceNodes ?? []))] } : {}),
      ...(cdi ? { cdi } : {}),
      ...(networkPath ? { sandboxPath: networkPath } : {}),
      ...(processes === undefined || areTheHosts ? {} : { joinedProcesses: { pidNamespace: processes.path('pid'), mountNamespace: processes.path('mnt') } }),
      ...(ipc === undefined ? {} : { joinedIpc: { ipcNamespace: ipc.path('ipc'), mountNamespace: ipc.path('mnt') } }),
      ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
      ...(task.ids && userNamespacePath ? { userNamespace: { path: userNamespacePath, ids: task.ids } } : {}),
    });
    const devices = (spec.linux?.resources?.devices ?? []).map((rule) => ({ allow: rule.allow, type: rule.type ?? ('a' as const), major: rule.major ?? -1, minor: rule.minor ?? -1, access: rule.access ?? 'rwm' }));
    const memory = controllerDirectory(cgroups, 'memory', path);
    const run: PlanRun = {
      taskDirectory: task.directory,
      logPath: launch.log.driver === 'none' ? '' : this.files.log(container),
      logMaxBytes: launch.log.maxBytes,
      logMaxFiles: launch.log.maxFiles,
      socketGroup: this.host.socketGroup,
      tickets: launch.tickets.map(({ ticket, stdin, stdout, stderr }) => `${ticket}:${stdin ? 'i' : ''}${stdout ? 'o' : ''}${stderr ? 'e' : ''}`),
      terminal: launch.process.terminal,
      rows: launch.process.rows,
      columns: launch.process.columns,
      openStdin: launch.process.openStdin,
      stdinOnce: launch.process.stdinOnce,
      cgroupDirectories: directories,
      cgroupWrites: limitWrites(cgroups, directories, { ...launch.resources, throttles, deviceRules: devices }),
      deviceFilter: deviceFilter(cgroups, path, devices),
      oomPath: memory === undefined ? '' : `${memory}/${cgroups.mode === 'v2' ? 'memory.events' : 'memory.oom_control'}`,
    };
    return { plan: launch.runtime ? await this.runtimes.containerPlan(launch.runtime, task, launch, spec, throttles, run) : compilePlan(spec, run), snapshot };
  }

  /** What devices need that are asked for by name. */
  private async named(devices: readonly string[], runtime: string | undefined): Promise<CdiEdits> {
    const { specs, wrong } = await this.devices.cdi(this.host.settings.cdiFolders);
    try {
      const edits = editsFor(devices, specs);
      if (edits.hooks.length > 0 && runtime === undefined) throw invalid(`CDI device injection failed: ${devices.join(', ')}: hooks (${edits.hooks[0]?.path}), which Berth's own runtime does not run: use --runtime runc`);
      return edits;
    } catch (error) {
      // A file that cannot be read may be the very one.
      throw wrong.length > 0 ? invalid(`${errorMessage(error)} (${wrong.join('; ')})`, error) : error;
    }
  }

  private makeParent(parent: string): void {
    try {
      this.parents.make(parent);
    } catch (error) {
      throw internal(`failed to make the cgroup ${parent}: ${errorMessage(error)}`, error);
    }
  }

  private async prepareFiles(launch: LaunchFields, task: LiveTask): Promise<void> {
    const { hostname, dns, dnsSearch, dnsOptions, network } = launch;
    mkdirSync(task.directory, { recursive: true, mode: 0o750 }); // of the group that may open streams, as the directory above
    await this.files.prepare(launch.container, {
      hosts: this.hostsOf(launch),
      hostname: hostnameFile(hostname),
      log: launch.log.driver !== 'none',
      resolvConf: resolvConf({ host: this.files.hostResolvConf(), dns, dnsSearch, dnsOptions, inHostNetwork: network.mode === 'host' }),
    }, (made) => (task.madeFiles = made));
    const { compress, receiver } = launch.log;
    if (compress || receiver) this.files.keepLog(launch.container, launch.log);
    if (receiver) await this.forwarding.begin(task, receiver);
  }

  /** The table may be flushed by somebody else at any moment, or have kept a port of a task that is over: then all of it is made anew, and this port with it. */
  private async publish(task: LiveTask, endpoint: EndpointSettings, name: string): Promise<void> {
    await this.networks.ensureRules();
    await this.ports.publish(task, endpoint, name).catch(async (error: unknown) => {
      if (error instanceof BerthError && error.kind === 'unclassified') throw unclassified(`failed to set up container networking: ${error.message}`, error);
      if (!(error instanceof BerthError) || (error.kind !== 'not-found' && error.kind !== 'conflict')) throw error;
      await this.networks.restore();
    });
  }

  private async attach(sandbox: NetworkSandbox, endpoint: EndpointSettings, linkLocalAddresses: readonly string[] = []): Promise<void> {
    const { bridge, mac, address, prefixLength, gateway, mtu, endpointId } = endpoint;
    // New for each run, since the kernel takes its time to remove the old one.
    const hostName = hostLinkName(endpointId);
    try {
      const attach = (): Promise<void> => sandbox.attach({ bridge: this.networks.indexOf(bridge) ?? bridge, hostName, containerName: 'eth0', mac, address, linkLocalAddresses, prefixLength, gateway, mtu });
      try {
        await attach();
      } catch {
        this.refuseAnothers(hostName, endpoint);
        // Of a start of the same run that was cut short, whose namespace the kernel has not cleaned up yet; or the bridge is not there any more.
        await detachLink(hostName);
        await this.networks.restore();
        await attach();
      }
    } catch (error) {
      throw internal(`failed to set up the endpoint ${address} on ${bridge}: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  }

  /** Names are 28 bits of a hash, and dockerd's links are called alike: nobody who runs loses his for a start, whose next attempt has another name. */
  private refuseAnothers(hostName: string, { bridge, endpointId }: EndpointSettings): void {
    const isAnotherRuns = [...this.live.all()].some(({ identity }) => taskId(identity) !== endpointId && hostLinkName(taskId(identity)) === hostName);
    if (isAnotherRuns || isOnAnotherBridge(hostName, bridge)) throw conflict(`the host's link ${hostName} is somebody else's: start the container again, and it asks for another`);
  }
}

function publishedBy({ network }: LaunchFields): { published?: PublishedEndpoint } {
  return network.mode === 'bridge' && network.endpoint.ports.length > 0 ? { published: { address: network.endpoint.address, ports: network.endpoint.ports } } : {};
}

/** What was planned, waiting for those, too, who have attached since. */
const withTickets = (plan: Plan, late: readonly string[]): Plan => ({ ...plan, settings: { ...plan.settings, tickets: [...plan.settings.tickets, ...late] } });
