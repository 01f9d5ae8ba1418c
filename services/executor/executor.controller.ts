import { Controller } from '@nestjs/common';
import type { PathStat } from '#contracts/containers/archives.js';
import * as archives from '#contracts/executor/archives.js';
import * as host from '#contracts/executor/host.js';
import * as kept from '#contracts/executor/kept.js';
import * as tasks from '#contracts/executor/tasks.js';
import * as usage from '#contracts/executor/usage.js';
import type { Done, RequestContext, StreamEndpoint } from '#contracts/request.js';
import { Asked, Body, Handles } from '#libs/messaging/handles.js';
import { taskId } from './application/tasks/live-task.js';
import { ExecutorParts } from './executor-parts.js';

/** Which finds them as kept for nobody. */
const leftToNextStart = (): void => undefined;

@Controller()
export class ExecutorController {
  constructor(private readonly parts: ExecutorParts) {}

  @Handles(tasks.LaunchTask)
  launchTask(@Body() command: tasks.LaunchTask, @Asked() asked: RequestContext): Promise<Done & { pid: number; startedAt: string }> {
    return this.parts.launcher.launch(command, asked);
  }

  @Handles(tasks.LaunchExec)
  launchExec(@Body() command: tasks.LaunchExec, @Asked() asked: RequestContext): Promise<Done & { pid: number }> {
    return this.parts.execs.launch(command, asked);
  }

  @Handles(tasks.CheckTaskUser)
  checkTaskUser(@Body() query: tasks.CheckTaskUser): Promise<Done> {
    return this.parts.users.check(query);
  }

  @Handles(tasks.AwaitHealthCheck)
  awaitHealthCheck(@Body() query: tasks.AwaitHealthCheck): Promise<tasks.HealthCheckEnd> {
    return this.parts.control.checkEnd(query);
  }

  @Handles(tasks.SignalTask)
  signalTask(@Body() command: tasks.SignalTask, @Asked() asked: RequestContext): Promise<Done> {
    return this.parts.control.signal(command, asked);
  }

  @Handles(tasks.SignalExec)
  signalExec(@Body() command: tasks.SignalExec): Done {
    return this.parts.control.signalExec(command);
  }

  @Handles(tasks.EndTask)
  async endTask(@Body() command: tasks.EndTask, @Asked() asked: RequestContext): Promise<Done> {
    await this.parts.live.end(taskId(command), asked);
    return { position: this.parts.tasks.position };
  }

  @Handles(tasks.FreezeTask)
  freezeTask(@Body() command: tasks.FreezeTask): Promise<Done> {
    return this.parts.control.freeze(command);
  }

  @Handles(tasks.ThawTask)
  thawTask(@Body() command: tasks.ThawTask): Done {
    return this.parts.control.thaw(command);
  }

  @Handles(tasks.UpdateTask)
  updateTask(@Body() command: tasks.UpdateTask): Promise<Done> {
    return this.parts.control.update(command);
  }

  @Handles(tasks.ChangeTaskPorts)
  changePorts(@Body() command: tasks.ChangeTaskPorts, @Asked() asked: RequestContext): Promise<Done> {
    return this.parts.portChanges.change(command, asked);
  }

  @Handles(tasks.ChangeTaskHosts)
  changeHosts(@Body() command: tasks.ChangeTaskHosts): Done {
    return this.parts.control.changeHosts(command);
  }

  @Handles(tasks.ResizeTask)
  resizeTask(@Body() command: tasks.ResizeTask): Done {
    return this.parts.control.resize(command);
  }

  @Handles(tasks.OpenTaskStreams)
  openTaskStreams(@Body() command: tasks.OpenTaskStreams): Promise<StreamEndpoint> {
    return this.parts.control.openStreams(command);
  }

  @Handles(tasks.OpenLogs)
  openLogs(@Body() query: tasks.OpenLogs): StreamEndpoint {
    return this.parts.control.openLogs(query);
  }

  @Handles(archives.StatRootPath)
  statPath(@Body() query: archives.StatRootPath): Promise<PathStat> {
    return this.parts.archives.stat(query);
  }

  @Handles(archives.OpenRootArchive)
  openArchive(@Body() command: archives.OpenRootArchive): Promise<StreamEndpoint & { readonly stat: PathStat }> {
    return this.parts.archives.open(command);
  }

  @Handles(archives.ExtractRootArchive)
  extractArchive(@Body() command: archives.ExtractRootArchive): Promise<StreamEndpoint> {
    return this.parts.archives.extract(command);
  }

  @Handles(archives.OpenRootChanges)
  openChanges(@Body() query: archives.OpenRootChanges): Promise<StreamEndpoint> {
    return this.parts.archives.changes(query);
  }

  @Handles(archives.OpenRootLayer)
  openLayer(@Body() query: archives.OpenRootLayer): StreamEndpoint {
    return this.parts.archives.layer(query);
  }

  @Handles(usage.ListTaskProcesses)
  taskProcesses(@Body() query: usage.ListTaskProcesses): Promise<usage.ProcessTable> {
    return this.parts.usage.processes(query);
  }

  @Handles(usage.SampleUsage)
  sampleUsage(@Body() query: usage.SampleUsage): usage.UsageReply {
    return this.parts.usage.sample(query);
  }

  @Handles(tasks.RemoveContainerFiles)
  async removeContainerFiles(@Body() command: tasks.RemoveContainerFiles): Promise<Done> {
    const { files, kept: removals } = this.parts;
    this.parts.archives.removed(command.container);
    await this.parts.forwarding.finish(command.container);
    // A commit or a copy that is under way has all of them, as with dockerd: they are out of the way, and go after it.
    const read = this.parts.archives.unread(command.container);
    const isAside = (command.keep || read !== undefined) && removals.keepContainer(command.container, files.directory(command.container));
    const remove = async (): Promise<void> => {
      if (!isAside) await files.remove(command.container);
      else if (!command.keep) await removals.discard(command.container);
    };
    if (read) void read.then(remove).catch(leftToNextStart);
    else await remove();
    this.parts.memory.removed(command.container);
    return { position: 0 };
  }

  @Handles(host.UnpackLayer)
  async unpackLayer(@Body() command: host.UnpackLayer): Promise<Done & { sizeBytes: number }> {
    return { ...(await this.parts.layers.unpack(command)), position: 0 };
  }

  @Handles(host.RemoveLayer)
  async removeLayer(@Body() command: host.RemoveLayer): Promise<Done> {
    await this.parts.layers.remove(command.chainId);
    return { position: 0 };
  }

  @Handles(host.KeepLayers)
  async keepLayers(@Body() command: host.KeepLayers): Promise<Done> {
    await this.parts.layers.keep(command.chainIds);
    return { position: 0 };
  }

  @Handles(host.EnsureVolumeDirectory)
  async ensureVolume(@Body() command: host.EnsureVolumeDirectory): Promise<Done & { path: string }> {
    return { path: await this.parts.volumes.ensure(command.name), position: 0 };
  }

  @Handles(host.CheckBindSources)
  async checkBindSources(@Body() { sources }: host.CheckBindSources): Promise<Done> {
    for (const source of sources) await this.parts.binds.check(source);
    return { position: 0 };
  }

  @Handles(host.FillVolume)
  async fillVolume(@Body() { name, layers, path, subpath }: host.FillVolume): Promise<Done> {
    await this.parts.volumes.fill(name, { driver: this.parts.roots.driver, directory: this.parts.layers.root, layers: layers.map((chainId) => this.parts.layers.nameOf(chainId)) }, path, subpath);
    return { position: 0 };
  }

  @Handles(host.RemoveVolumeDirectory)
  async removeVolume(@Body() { name, keptFor }: host.RemoveVolumeDirectory): Promise<Done> {
    const { volumes, kept: removals } = this.parts;
    const isKept = keptFor !== undefined && removals.keepVolume(keptFor, name, volumes.of(name));
    if (!isKept) await volumes.remove(name);
    return { position: 0 };
  }

  @Handles(kept.GetKept)
  getKept(@Body() { container }: kept.GetKept): { files: boolean; volumes: readonly string[] } {
    return this.parts.kept.look(container, this.parts.files.directory(container));
  }

  @Handles(kept.RestoreContainerFiles)
  restoreFiles(@Body() { container }: kept.RestoreContainerFiles): Done {
    this.parts.kept.restoreContainer(container, this.parts.files.directory(container));
    this.parts.archives.restored(container);
    return { position: 0 };
  }

  @Handles(kept.RestoreVolumeDirectory)
  async restoreVolume(@Body() { container, name }: kept.RestoreVolumeDirectory): Promise<Done> {
    const { volumes } = this.parts;
    this.parts.kept.restoreVolume(container, name, volumes.of(name));
    await volumes.ensure(name);
    return { position: 0 };
  }

  @Handles(kept.DiscardKept)
  async discardKept(@Body() { container }: kept.DiscardKept): Promise<Done> {
    const discard = async (): Promise<void> => {
      await this.parts.kept.discard(container);
      await this.parts.files.remove(container); // where they were not put aside yet
    };
    const read = this.parts.archives.unread(container);
    if (read) void read.then(discard).catch(leftToNextStart);
    else await discard();
    return { position: 0 };
  }

  @Handles(kept.SweepKept)
  async sweepKept(@Body() { containers }: kept.SweepKept): Promise<Done> {
    await this.parts.kept.sweep(new Set(containers));
    return { position: 0 };
  }

  @Handles(host.ListVolumeDirectories)
  volumeDirectories(): Promise<{ readonly whole: readonly string[]; readonly half: readonly string[] }> {
    return this.parts.volumes.list();
  }

  @Handles(host.EnsureBridge)
  ensureBridge(@Body() command: host.EnsureBridge): Promise<Done> {
    return this.parts.networks.ensure(command);
  }

  @Handles(host.MeasureFiles)
  measureFiles(@Body() query: host.MeasureFiles): Promise<host.FileSizes> {
    return this.parts.sizes.measure(query);
  }

  @Handles(host.GetHostFacts)
  async hostFacts(): Promise<host.HostFacts> {
    return { ...this.parts.facts(), warnings: await this.parts.runtimeWarnings.all() };
  }
}
