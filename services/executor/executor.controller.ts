import { Controller } from '@nestjs/common';
import * as host from '#contracts/executor/host.js';
import * as tasks from '#contracts/executor/tasks.js';
import type { Done, RequestContext, StreamEndpoint } from '#contracts/request.js';
import { Asked, Body, Handles } from '#libs/messaging/handles.js';
import { measureFiles } from './application/file-sizes.js';
import { taskId } from './application/live-task.js';
import { ExecutorParts } from './executor-parts.js';

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

  @Handles(tasks.ResizeTask)
  resizeTask(@Body() command: tasks.ResizeTask): Done {
    return this.parts.control.resize(command);
  }

  @Handles(tasks.OpenTaskStreams)
  openTaskStreams(@Body() command: tasks.OpenTaskStreams): StreamEndpoint {
    return this.parts.control.openStreams(command);
  }

  @Handles(tasks.OpenLogs)
  openLogs(@Body() query: tasks.OpenLogs): StreamEndpoint {
    return this.parts.control.openLogs(query);
  }

  @Handles(tasks.RemoveContainerFiles)
  async removeContainerFiles(@Body() command: tasks.RemoveContainerFiles): Promise<Done> {
    await this.parts.files.remove(command.container);
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

  @Handles(host.FillVolume)
  async fillVolume(@Body() { name, layers, path }: host.FillVolume): Promise<Done> {
    await this.parts.volumes.fill(name, { driver: this.parts.roots.driver, directory: this.parts.layers.root, layers: layers.map((chainId) => this.parts.layers.nameOf(chainId)) }, path);
    return { position: 0 };
  }

  @Handles(host.RemoveVolumeDirectory)
  async removeVolume(@Body() command: host.RemoveVolumeDirectory): Promise<Done> {
    await this.parts.volumes.remove(command.name);
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
    return measureFiles(query, this.parts);
  }

  @Handles(host.GetHostFacts)
  hostFacts(): host.HostFacts {
    return this.parts.facts();
  }
}
