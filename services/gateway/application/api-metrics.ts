import { ListContainerChanges } from '#contracts/containers/archives.js';
import { CommitContainer, CreateContainer, RemoveContainer, StartContainer } from '#contracts/containers/commands.js';
import { RemoveImage } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import { toErrorReply } from '#libs/errors/errors.js';
import { actorClass } from '#libs/telemetry/metrics/actor-class.js';
import type { Exposition } from '#libs/telemetry/metrics/exposition.js';
import { Counter, sampledTrace, Timer } from '#libs/telemetry/metrics/measured.js';

const COMMAND = 'berth.command.';

/** dockerd's words for a request, by its subject. It times what went well. */
const CONTAINER_ACTIONS = new Map<string, string>([
  [StartContainer.subject, 'start'],
  [ListContainerChanges.subject, 'changes'],
  [CommitContainer.subject, 'commit'],
  [CreateContainer.subject, 'create'],
  [RemoveContainer.subject, 'delete'],
]);
const actions = (...names: string[]) => names.map((action) => ({ action }));

/** How long the engine took over what was asked of it: in dockerd's words (moby, daemon/metrics.go), and command by command in Berth's own. */
export class ApiMetrics {
  private readonly containerActions = new Timer('engine_daemon_container_actions_seconds', 'The number of seconds it takes to process each container action', actions('start', 'changes', 'commit', 'create', 'delete'));
  private readonly imageActions = new Timer('engine_daemon_image_actions_seconds', 'The number of seconds it takes to process each image action', actions('pull', 'push', 'delete', 'history'));
  private readonly hostInfo = new Timer('engine_daemon_host_info_functions_seconds', 'The number of seconds it takes to call functions gathering info about the host', ['operating_system', 'os_version', 'system_info', 'system_version'].map((name) => ({ function: name })));
  private readonly commands = new Counter('berth_commands_total', 'Commands given to the engine, by how they ended: ok, or the kind of refusal.');
  private readonly commandSeconds = new Timer('berth_command_seconds', 'How long commands took, from the gateway and back.');

  /** Passes on what `work` yields, refusals too. */
  async measure<Reply>(subject: string, asked: RequestContext, work: () => Promise<Reply>): Promise<Reply> {
    const start = performance.now();
    let result = 'ok';
    try {
      return await work();
    } catch (error) {
      result = toErrorReply(error).kind;
      throw error;
    } finally {
      this.observe(subject, result, asked, (performance.now() - start) / 1000);
    }
  }

  /** A pull whose progress was told to its end. Its command has only begun it. */
  pulled(seconds: number): void {
    this.imageActions.observe({ action: 'pull' }, seconds);
  }

  /** An image's history, put together from what one question answered. */
  history<Reply>(ask: () => Promise<Reply>): Promise<Reply> {
    return this.imageActions.time({ action: 'history' }, ask);
  }

  /** What is told of the engine and its host, by dockerd's name for it. */
  about<Told>(name: 'system_info' | 'system_version', tell: () => Promise<Told>): Promise<Told> {
    return this.hostInfo.time({ function: name }, tell);
  }

  /** Actions that there are not yet (push), and what is read once at an engine's start (the system's name) stay at zero: dashboards that ask for their rate get it. */
  write(out: Exposition): void {
    for (const one of [this.containerActions, this.imageActions, this.hostInfo, this.commands, this.commandSeconds]) one.write(out);
  }

  private observe(subject: string, result: string, asked: RequestContext, seconds: number): void {
    const action = CONTAINER_ACTIONS.get(subject);
    if (action !== undefined && result === 'ok') this.containerActions.observe({ action }, seconds);
    if (!subject.startsWith(COMMAND)) return;
    const labels = { type: subject.slice(COMMAND.length), result, actor_class: actorClass(asked.actor) };
    this.commands.add(labels);
    this.commandSeconds.observe(labels, seconds, sampledTrace(asked.traceparent));
    if (subject === RemoveImage.subject && result === 'ok') this.imageActions.observe({ action: 'delete' }, seconds);
  }
}
