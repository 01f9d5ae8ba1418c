import { randomBytes } from 'node:crypto';
import type { AwaitHealthCheck, ChangeTaskHosts, FreezeTask, HealthCheckEnd, OpenLogs, OpenTaskStreams, ResizeTask, SignalExec, SignalTask, ThawTask, UpdateTask } from '#contracts/executor/tasks.js';
import type { Done, RequestContext, StreamEndpoint } from '#contracts/request.js';
import { type BerthError, conflict, unavailable } from '#libs/errors/errors.js';
import type { StreamServer } from '#libs/messaging/stream-server.js';
import type { ContainerCgroups } from '../../adapters/host/container-cgroups.js';
import type { ContainerFiles } from '../../adapters/host/container-files.js';
import { isEnding } from '../../adapters/host/is-ending.js';
import { serveLogs } from '../../adapters/logs/serve-logs.js';
import { checkTarget, frame, resizeFrame, SIGNAL, SIGNAL_EXEC, TICKET } from '../../adapters/shim/shim-frames.js';
import type { ShimConnection } from '../../adapters/shim/shim-connection.js';
import { logWriterOf } from '../logs/log-writer.js';
import type { Tasks } from '../launch/task-launcher.js';
import { Freezes } from './task-freezes.js';
import { type LiveTask, taskId, type TaskIdentity } from './live-task.js';
import type { LiveTasks } from './live-tasks.js';

const UNCHANGED: Done = { position: 0 };
const SIGKILL = 9;

/** Signals, terminal sizes, names of others, streams and logs of running tasks. */
export class TaskControl {
  private readonly freezes = new Freezes();

  constructor(
    private readonly tasks: Tasks,
    private readonly live: LiveTasks,
    private readonly cgroups: ContainerCgroups,
    private readonly files: ContainerFiles,
    private readonly streams: StreamServer,
    private readonly onLogUnread: () => void,
  ) {}

  async signal({ container, start, signal, ends }: SignalTask, asked: RequestContext): Promise<Done> {
    const id = taskId({ container, start });
    const task = this.live.get(id);
    // Gone already: its exit is on its way.
    if (!task || task.hasExited) return UNCHANGED;
    if (!task.connection) throw silent(container);
    const { position } = await this.tasks.execute(id, { type: 'Signal', container, start, signal, ends, at: new Date().toISOString() }, asked);
    // Lost while the log was asked: whoever stops it asks again.
    if (task.hasExited) return { position };
    if (!task.connection) throw silent(container);
    task.connection.send(frame(SIGNAL, signal));
    // With cgroups of version 1 a frozen process does not die. It may have been frozen after what came before, such as a stop's first signal.
    if (ends && signal === SIGKILL) {
      this.letGoOn(task);
      this.live.insist(task);
    }
    return { position };
  }

  async freeze({ container, start }: FreezeTask): Promise<Done> {
    const id = taskId({ container, start });
    await this.freezes.join(id, async (calledOff) => {
      // An exec that is frozen before its command runs would be told as failed, and run once it is thawed.
      await this.live.execsReported(id);
      calledOff.throwIfAborted();
      await this.cgroups.freeze(this.running({ container, start }).task.place, calledOff);
    });
    return UNCHANGED;
  }

  thaw({ container, start }: ThawTask): Done {
    const task = this.live.get(taskId({ container, start }));
    if (task) this.letGoOn(task);
    return UNCHANGED;
  }

  async update({ container, start, resources }: UpdateTask): Promise<Done> {
    const task = this.live.get(taskId({ container, start }));
    await task?.start?.catch(() => undefined);
    // Throttles of block devices do not change.
    const { throttles: _throttles, ...limits } = resources;
    if (!task || task.hasExited) return UNCHANGED;
    try {
      this.cgroups.update(task.place, limits);
    } catch (error) {
      // Its cgroup went with its last process, and its exit is on its way: there is nothing to change.
      if (!isEnding(task.pid)) throw error;
    }
    return UNCHANGED;
  }

  signalExec({ container, start, exec, signal }: SignalExec): Done {
    const task = this.live.get(taskId({ container, start }));
    // A shim of an older engine takes the frame for nothing: the exec then ends with its container.
    task?.connection?.send(frame(SIGNAL_EXEC, task.checks.pidOf(exec) === undefined ? exec : checkTarget(exec), signal));
    return UNCHANGED;
  }

  /** Also while its shim is being connected to again. */
  async checkEnd({ container, start, exec }: AwaitHealthCheck): Promise<HealthCheckEnd> {
    const task = this.live.get(taskId({ container, start }));
    if (!task) throw conflict(`container ${container} is not running`);
    return await task.checks.ended(exec);
  }

  changeHosts({ container, start, changes }: ChangeTaskHosts): Done {
    const task = this.live.get(taskId({ container, start }));
    if (task && !task.hasExited) this.files.changeHosts(container, changes);
    return UNCHANGED;
  }

  resize({ container, start, exec, rows, columns }: ResizeTask): Done {
    this.running({ container, start }).connection.send(resizeFrame(exec ?? '', rows, columns));
    return UNCHANGED;
  }

  /** Of one whose start is under way before its command runs: what it prints then waits for who comes with the ticket. */
  async openStreams({ container, start, exec, stdin, stdout, stderr }: OpenTaskStreams): Promise<StreamEndpoint> {
    const ticket = randomBytes(16).toString('hex');
    const streams = `${stdin ? 'i' : ''}${stdout ? 'o' : ''}${stderr ? 'e' : ''}`;
    const starting = this.live.get(taskId({ container, start }));
    const late = starting?.start && exec === undefined ? starting.lateTickets : undefined;
    late?.push(`${ticket}:${streams}`);
    if (starting) await this.live.whenConnected(starting);
    const { task, connection } = this.running({ container, start });
    if (late === undefined) {
      connection.send(frame(TICKET, exec ?? '', ticket, streams));
      // A shim that is busy may come to who brings the ticket before it comes to the ticket.
      await connection.caughtUp();
    }
    return { path: task.socket, ticket };
  }

  openLogs(query: OpenLogs): StreamEndpoint {
    const { container, stdout, stderr, follow, timestamps, terminal, tail, since, until, details } = query;
    const writer = logWriterOf(this.live.byContainer(container));
    return this.streams.offerWhole((out) => serveLogs({ path: this.files.log(container), stdout, stderr, follow, timestamps, terminal, tail, since, until, ...(details === undefined ? {} : { details }) }, writer, out, this.onLogUnread));
  }

  private letGoOn(task: LiveTask): void {
    this.freezes.callOff(taskId(task.identity));
    this.cgroups.thaw(task.place);
  }

  private running(identity: TaskIdentity): { task: LiveTask; connection: ShimConnection } {
    const task = this.live.get(taskId(identity));
    if (!task?.connection) throw conflict(`container ${identity.container} is not running`);
    return { task, connection: task.connection };
  }
}

const silent = (container: string): BerthError => unavailable(`the shim of container ${container} does not answer`);
