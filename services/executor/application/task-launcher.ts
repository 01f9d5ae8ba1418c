import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, chown, mkdir, rm } from 'node:fs/promises';
import type { ContainerMount, EndpointSettings } from '#contracts/containers/container-state.js';
import type { LaunchTask, PublishedEndpoint, TaskEvent } from '#contracts/executor/tasks.js';
import type { RequestContext } from '#contracts/request.js';
import { cgroupDirectories, type CgroupLayout, controllerDirectory } from '#libs/cgroup/layout.js';
import { limitWrites } from '#libs/cgroup/limits.js';
import { conflict, internal, invalid } from '#libs/errors/errors.js';
import type { Aggregates } from '#libs/event-store/aggregates.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import type { ContainerFiles } from '../adapters/host/container-files.js';
import type { NetworkSandbox } from '../adapters/network/sandbox.js';
import type { SandboxPool } from '../adapters/network/sandbox-pool.js';
import type { Zygote } from '../adapters/shim/zygote.js';
import { compilePlan } from '../domain/plan/compile-plan.js';
import { encodePlan, type Plan } from '../domain/plan/encode-plan.js';
import { startFailure } from '../domain/plan/start-failure.js';
import { buildSpec } from '../domain/spec/build-spec.js';
import { hostnameFile, hostsFile, resolvConf } from '../domain/spec/files.js';
import type { Task, TaskCommand } from '../domain/task/task-decider.js';
import { LiveTask, taskId } from './live-task.js';
import type { LiveTasks } from './live-tasks.js';
import type { PortPublisher } from './port-publisher.js';

export type Tasks = Aggregates<Task, TaskCommand, TaskEvent>;

export interface LaunchHost {
  readonly settings: EngineSettings;
  readonly cgroups: CgroupLayout;
  readonly initPath: string;
  /** gid of the engine's group: its gateway opens shims' streams. */
  readonly socketGroup: number;
}

type Launch = Omit<LaunchTask, 'reply'>;

/** One run of one container: intent, files, sandbox, plan, shim. What fails leaves nothing behind: sandbox and links go with their descriptor, the rest with the shim's exit steps. */
export class TaskLauncher {
  constructor(
    private readonly tasks: Tasks,
    private readonly live: LiveTasks,
    private readonly files: ContainerFiles,
    private readonly sandboxes: SandboxPool,
    private readonly zygote: Zygote,
    private readonly ports: PortPublisher,
    private readonly layerName: (chainId: string) => string,
    private readonly host: LaunchHost,
  ) {}

  async launch(launch: Launch, asked: RequestContext): Promise<{ pid: number; startedAt: string; position: number }> {
    const identity = { container: launch.container, start: launch.start };
    const id = taskId(identity);
    const directory = `${this.host.settings.runRoot}/tasks/${id}`;
    // A directory is left of a launch that is repeated; what is over has left memory, but its shim may still hold streams there.
    const state = existsSync(directory) ? await this.tasks.load(id) : this.tasks.get(id).state;
    if (state.status === 'running') return { pid: state.pid, startedAt: state.startedAt, position: this.tasks.position };
    if (state.status === 'exited') throw hasRun(id);
    if (this.live.get(id)) throw conflict(`task ${id} is being started`);

    const task = new LiveTask(identity, directory);
    this.live.add(task);
    let sandbox: NetworkSandbox | undefined;
    try {
      // The files and the sandbox are the container's own and go with it or with their descriptor: they need not wait for the intent.
      const [requested, prepared] = await Promise.all([
        this.tasks.execute(id, { type: 'Request', ...identity, ...publishedBy(launch), at: new Date().toISOString() }, asked),
        this.prepare(launch, task).then((made) => ((sandbox = made.sandbox), made)),
      ]);
      if (requested.state.status !== 'requested') throw hasRun(id);
      const outcome = this.live.outcomeOf(task);
      await this.zygote.spawnShim(encodePlan(prepared.plan));
      await this.live.connect(task);
      const started = await outcome;
      if (started.type === 'failed') throw startFailure(prepared.plan, started.step, started.errno, launch.process.args[0] ?? '');
      task.pid = started.pid;
      const { position } = await this.tasks.execute(id, { type: 'RecordStarted', ...identity, pid: started.pid, at: started.at }, asked);
      this.live.started(task);
      return { pid: started.pid, startedAt: started.at, position };
    } catch (error) {
      await this.undo(task, asked, error);
      throw error;
    } finally {
      // Processes in it keep the namespace; without any, it goes now.
      sandbox?.close();
    }
  }

  private async undo(task: LiveTask, asked: RequestContext, error: unknown): Promise<void> {
    this.live.dismiss(task);
    await this.ports.unpublish(task);
    await rm(task.directory, { recursive: true, force: true });
    const message = error instanceof Error ? error.message : String(error);
    await this.tasks.execute(taskId(task.identity), { type: 'RecordFailed', ...task.identity, error: message, at: new Date().toISOString() }, asked).catch(() => undefined);
  }

  private async prepare(launch: Launch, task: LiveTask): Promise<{ plan: Plan; sandbox?: NetworkSandbox }> {
    const { container } = launch;
    const { settings, cgroups } = this.host;
    const endpoint = launch.network.mode === 'bridge' ? launch.network.endpoint : undefined;
    const sandbox = launch.network.mode === 'bridge' || launch.network.mode === 'none' ? this.sandboxes.take() : undefined;
    try {
      const shared = launch.network.mode === 'container' ? this.live.byContainer(launch.network.container) : undefined;
      if (launch.network.mode === 'container' && !shared) throw conflict(`cannot join network of a non running container: ${launch.network.container}`);
      await Promise.all([
        mkdir(task.directory, { recursive: true, mode: 0o750 }).then(() => chown(task.directory, 0, this.host.socketGroup)),
        this.files.prepare(container, {
          hosts: hostsFile({ hostname: launch.hostname, domainname: launch.domainname, extraHosts: launch.extraHosts, ...(endpoint ? { address: endpoint.address } : {}) }),
          hostname: hostnameFile(launch.hostname),
          resolvConf: resolvConf({ host: this.files.hostResolvConf(), dns: launch.dns, dnsSearch: launch.dnsSearch, dnsOptions: launch.dnsOptions }),
        }),
      ]);
      for (const mount of launch.mounts) if (mount.type === 'bind') await ensureSource(mount);
      if (endpoint && sandbox) this.attach(sandbox, endpoint);
      if (endpoint) await this.ports.publish(task, endpoint);
      const path = `${settings.cgroupParent}/${container}`;
      const directories = cgroupDirectories(cgroups, path);
      const networkPath = sandbox?.path ?? (shared ? `/proc/${shared.pid}/ns/net` : undefined);
      const spec = buildSpec(launch, {
        containerDirectory: this.files.directory(container),
        layersDirectory: `${settings.dataRoot}/layers`,
        layerNames: launch.layers.map(this.layerName),
        upper: this.files.upper(container),
        work: this.files.work(container),
        rootTarget: this.files.rootTarget(container),
        cgroupDirectories: directories,
        cgroupsPath: path,
        cgroupMode: cgroups.mode,
        initPath: this.host.initPath,
        ...(networkPath ? { sandboxPath: networkPath } : {}),
      });
      const devices = (spec.linux?.resources?.devices ?? []).map((rule) => ({ allow: rule.allow, type: rule.type ?? ('a' as const), major: rule.major ?? -1, minor: rule.minor ?? -1, access: rule.access ?? 'rwm' }));
      const memory = controllerDirectory(cgroups, 'memory', path);
      const plan = compilePlan(spec, {
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
        cgroupWrites: limitWrites(cgroups, directories, { ...launch.resources, deviceRules: devices }),
        oomPath: memory === undefined ? '' : `${memory}/${cgroups.mode === 'v2' ? 'memory.events' : 'memory.oom_control'}`,
      });
      return { plan, ...(sandbox ? { sandbox } : {}) };
    } catch (error) {
      sandbox?.close();
      throw error;
    }
  }

  private attach(sandbox: NetworkSandbox, endpoint: EndpointSettings): void {
    const { bridge, mac, address, prefixLength, gateway, mtu, endpointId } = endpoint;
    // Derived from the endpoint, so that a link on the host can be traced to its run; new for each run, since the kernel takes its time to remove the old one.
    const hostName = `veth${createHash('sha256').update(endpointId).digest('hex').slice(0, 7)}`;
    try {
      sandbox.attach({ bridge, hostName, containerName: 'eth0', mac, address, prefixLength, gateway, mtu });
    } catch (error) {
      throw internal(`failed to set up the endpoint ${address} on ${bridge}: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  }
}

const hasRun = (id: string): Error => conflict(`task ${id} has run already`);

function publishedBy({ network }: Launch): { published?: PublishedEndpoint } {
  return network.mode === 'bridge' && network.endpoint.ports.length > 0 ? { published: { address: network.endpoint.address, ports: network.endpoint.ports } } : {};
}

/** A bind's source on the host: -v makes a missing one as a directory, --mount refuses. */
async function ensureSource({ source, createSource }: ContainerMount): Promise<void> {
  if (createSource) await mkdir(source, { recursive: true }).catch((error: NodeJS.ErrnoException) => (error.code === 'EEXIST' ? undefined : Promise.reject(error)));
  else await access(source).catch(() => Promise.reject(invalid(`invalid mount config for type "bind": bind source path does not exist: ${source}`)));
}
