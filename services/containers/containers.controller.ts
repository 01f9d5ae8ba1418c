import { Controller } from '@nestjs/common';
import * as archives from '#contracts/containers/archives.js';
import * as commands from '#contracts/containers/commands.js';
import type { ContainerView, ExecView } from '#contracts/containers/container-state.js';
import * as queries from '#contracts/containers/queries.js';
import type { ProcessTable } from '#contracts/executor/usage.js';
import type { Done, RequestContext, StreamEndpoint } from '#contracts/request.js';
import { Asked, Body, Handles } from '#libs/messaging/handles.js';
import { ContainerCommits } from './application/definition/container-commits.js';
import { ContainerDirectory } from './application/names/container-directory.js';
import { ContainerLifecycle } from './application/lifecycle/container-lifecycle.js';
import { ContainerLinks } from './application/names/container-links.js';
import { ContainerPauses } from './application/lifecycle/container-pauses.js';
import { StartPhases } from './application/lifecycle/start-phases.js';
import { ContainerRenames } from './application/names/container-renames.js';
import { ContainerStreams } from './application/streams/container-streams.js';
import { ContainerUpdates } from './application/definition/container-updates.js';
import { ContainerArchives } from './application/streams/container-archives.js';
import { ContainerCreation } from './application/definition/create-container.js';
import { ExecSessions } from './application/processes/exec-sessions.js';
import { ProcessLists } from './application/processes/process-lists.js';
import { ExitWaits, type Waited } from './application/lifecycle/exit-waits.js';

@Controller()
export class ContainersController {
  constructor(
    private readonly creation: ContainerCreation,
    private readonly lifecycle: ContainerLifecycle,
    private readonly phases: StartPhases,
    private readonly renames: ContainerRenames,
    private readonly links: ContainerLinks,
    private readonly pauses: ContainerPauses,
    private readonly updates: ContainerUpdates,
    private readonly commits: ContainerCommits,
    private readonly directory: ContainerDirectory,
    private readonly streams: ContainerStreams,
    private readonly processes: ProcessLists,
    private readonly archives: ContainerArchives,
    private readonly execs: ExecSessions,
    private readonly waits: ExitWaits,
  ) {}

  @Handles(commands.CreateContainer)
  create(@Body() command: commands.CreateContainer, @Asked() asked: RequestContext): Promise<commands.ContainerCreated> {
    return this.creation.create(command, asked);
  }

  @Handles(commands.StartContainer)
  start(@Body() command: commands.StartContainer, @Asked() asked: RequestContext): Promise<Done & { changed: boolean }> {
    return this.phases.time('command', asked, () => this.lifecycle.starts.start(command.container, 'api', asked), ({ changed }) => changed);
  }

  @Handles(commands.StopContainer)
  stop(@Body() command: commands.StopContainer, @Asked() asked: RequestContext): Promise<Done & { changed: boolean }> {
    return this.lifecycle.stops.stop(command.container, command, asked);
  }

  @Handles(commands.RestartContainer)
  restart(@Body() command: commands.RestartContainer, @Asked() asked: RequestContext): Promise<Done> {
    return this.lifecycle.restarts.restart(command.container, command, asked);
  }

  @Handles(commands.KillContainer)
  kill(@Body() command: commands.KillContainer, @Asked() asked: RequestContext): Promise<Done> {
    return this.lifecycle.kills.kill(command.container, command.signal, asked);
  }

  @Handles(commands.PauseContainer)
  pause(@Body() command: commands.PauseContainer, @Asked() asked: RequestContext): Promise<Done> {
    return this.pauses.pause(command.container, asked);
  }

  @Handles(commands.UnpauseContainer)
  unpause(@Body() command: commands.UnpauseContainer, @Asked() asked: RequestContext): Promise<Done> {
    return this.pauses.unpause(command.container, asked);
  }

  @Handles(commands.UpdateContainer)
  update(@Body() command: commands.UpdateContainer, @Asked() asked: RequestContext): Promise<Done & { warnings: readonly string[] }> {
    return this.updates.update(command, asked);
  }

  @Handles(commands.CommitContainer)
  commit(@Body() command: commands.CommitContainer, @Asked() asked: RequestContext): Promise<Done & { image: string }> {
    return this.commits.commit(command, asked);
  }

  @Handles(commands.RenameContainer)
  rename(@Body() command: commands.RenameContainer, @Asked() asked: RequestContext): Promise<Done> {
    return this.renames.rename(command.container, command.name, asked);
  }

  @Handles(commands.RemoveContainer)
  remove(@Body() command: commands.RemoveContainer, @Asked() asked: RequestContext): Promise<Done> {
    return this.lifecycle.removals.remove(command.container, { force: command.force, volumes: command.volumes, ...(command.keep === undefined ? {} : { keep: command.keep }) }, asked);
  }

  @Handles(commands.RemoveLink)
  removeLink(@Body() command: commands.RemoveLink, @Asked() asked: RequestContext): Promise<Done> {
    return this.links.remove(command.container, asked);
  }

  @Handles(commands.ResizeContainer)
  resize(@Body() command: commands.ResizeContainer, @Asked() asked: RequestContext): Promise<Done> {
    return this.streams.resize(command, asked);
  }

  @Handles(commands.AttachContainer)
  attach(@Body() command: commands.AttachContainer, @Asked() asked: RequestContext): Promise<commands.AttachReply> {
    return this.streams.attach(command, asked);
  }

  @Handles(commands.DetachContainer)
  detach(@Body() command: commands.DetachContainer, @Asked() asked: RequestContext): Promise<Done> {
    return this.streams.detach(command, asked);
  }

  @Handles(commands.WithdrawAttach)
  withdrawAttach(@Body() command: commands.WithdrawAttach): { readonly withdrawn: boolean } {
    return this.streams.withdraw(command);
  }

  @Handles(commands.ReadLogs)
  logs(@Body() query: commands.ReadLogs, @Asked() asked: RequestContext): Promise<commands.LogsReply> {
    return this.streams.logs(query, asked);
  }

  @Handles(archives.StatContainerPath)
  statPath(@Body() query: archives.StatContainerPath, @Asked() asked: RequestContext): Promise<archives.PathStat> {
    return this.archives.stat(query, asked);
  }

  @Handles(archives.ReadContainerArchive)
  readArchive(@Body() command: archives.ReadContainerArchive, @Asked() asked: RequestContext): Promise<StreamEndpoint & { readonly stat: archives.PathStat }> {
    return this.archives.read(command, asked);
  }

  @Handles(archives.WriteContainerArchive)
  writeArchive(@Body() command: archives.WriteContainerArchive, @Asked() asked: RequestContext): Promise<StreamEndpoint> {
    return this.archives.write(command, asked);
  }

  @Handles(archives.ExportContainer)
  export(@Body() command: archives.ExportContainer, @Asked() asked: RequestContext): Promise<StreamEndpoint> {
    return this.archives.export(command.container, asked);
  }

  @Handles(archives.ListContainerChanges)
  changes(@Body() query: archives.ListContainerChanges, @Asked() asked: RequestContext): Promise<StreamEndpoint> {
    return this.archives.changes(query.container, asked);
  }

  @Handles(commands.ListProcesses)
  listProcesses(@Body() command: commands.ListProcesses, @Asked() asked: RequestContext): Promise<ProcessTable> {
    return this.processes.list(command, asked);
  }

  @Handles(commands.CreateExec)
  createExec(@Body() command: commands.CreateExec, @Asked() asked: RequestContext): Promise<{ id: string }> {
    return this.execs.create(command, asked);
  }

  @Handles(commands.StartExec)
  startExec(@Body() command: commands.StartExec, @Asked() asked: RequestContext): Promise<{ endpoint?: StreamEndpoint; terminal: boolean }> {
    return this.execs.start(command, asked);
  }

  @Handles(commands.ResizeExec)
  resizeExec(@Body() command: commands.ResizeExec, @Asked() asked: RequestContext): Promise<Done> {
    return this.execs.resize(command, asked);
  }

  @Handles(queries.GetExec)
  exec(@Body() query: queries.GetExec, @Asked() asked: RequestContext): Promise<ExecView> {
    return this.execs.settledView(query, asked);
  }

  @Handles(queries.GetContainer)
  async get(@Body() query: queries.GetContainer): Promise<ContainerView> {
    if (query.minPosition) await this.directory.waitFor(query.minPosition);
    return this.directory.view(this.directory.find(query.container));
  }

  @Handles(queries.ListContainers)
  async list(@Body() query: queries.ListContainers): Promise<queries.ContainerList> {
    if (query.minPosition) await this.directory.waitFor(query.minPosition);
    return this.directory.list(query.all, query.restoring);
  }

  @Handles(queries.WaitContainer)
  wait(@Body() query: queries.WaitContainer): Promise<Waited> {
    return this.waits.wait(query.container, query.condition, query.deadlineMs);
  }
}
