import type { LaunchExec } from '#contracts/executor/tasks.js';
import type { RequestContext } from '#contracts/request.js';
import { directoriesToJoin } from '#libs/cgroup/join.js';
import type { CgroupLayout } from '#libs/cgroup/layout.js';
import { type BerthError, conflict, errorMessage, unavailable } from '#libs/errors/errors.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { failpoint } from '#libs/failpoint/failpoint.js';
import { SIGKILL } from '#libs/linux/signals.js';
import { currentSpan } from '#libs/telemetry/tracing.js';
import type { AppArmor } from '../../adapters/host/app-armor.js';
import type { ContainerCgroups } from '../../adapters/host/container-cgroups.js';
import { isEnding } from '../../adapters/host/is-ending.js';
import { ACK_EXIT, checkTarget, EXEC, frame, SIGNAL_EXEC } from '../../adapters/shim/shim-frames.js';
import { recordPlan } from '../../adapters/shim/step-spans.js';
import { compileExecPlan } from '../../domain/plan/compile-exec-plan.js';
import { encodePlan, type Plan } from '../../domain/plan/encode-plan.js';
import { execExitCode, hasNoRoom, startFailure } from '../../domain/plan/start-failure.js';
import { type LiveTask, taskId } from '../tasks/live-task.js';
import type { LiveTasks } from '../tasks/live-tasks.js';
import type { TaskCauses } from '../tasks/task-causes.js';
import type { OciRuntimes } from './oci-runtimes.js';
import { RecentExecs } from './recent-execs.js';
import type { Tasks } from './task-launcher.js';

const PREFIX = 'OCI runtime exec failed: exec failed: unable to start container process: ';
const REQUEST_LIFETIME_MS = 60_000;

/** A further command in a running container: the container's own shim forks it into the container's namespaces. */
export class ExecLauncher {
  /** By exec: those under way, and those that are over for as long as they may be asked for again. */
  private readonly launches = new Map<string, Promise<{ pid: number; position: number }>>();
  /** Absent once no predecessor's can be asked for. */
  private recent: RecentExecs | undefined;

  constructor(
    private readonly tasks: Tasks,
    private readonly live: LiveTasks,
    private readonly causes: TaskCauses,
    private readonly layout: CgroupLayout,
    private readonly cgroups: ContainerCgroups,
    store: EventStore,
    private readonly runtimes: OciRuntimes,
    /** Undefined: the host has none. */
    private readonly appArmor: AppArmor | undefined,
  ) {
    this.recent = new RecentExecs(store, REQUEST_LIFETIME_MS);
  }

  /** One exec, however often it is asked for, also when it has ended meanwhile. Of a predecessor's the shim tells those it knows, and those it has forgotten are on the log. */
  launch(exec: LaunchExec, asked: RequestContext): Promise<{ pid: number; position: number }> {
    const known = this.launches.get(exec.exec);
    if (known) return known;
    const identity = { container: exec.container, start: exec.start };
    const task = this.live.get(taskId(identity));
    // Not remembered: no shim was asked, and the next one who asks may find it connected again.
    if (!task?.connection || task.hasExited) return Promise.reject(notRunning(exec));
    const launch = this.launchOnce(exec, task, asked);
    this.launches.set(exec.exec, launch);
    setTimeout(() => this.launches.delete(exec.exec), REQUEST_LIFETIME_MS).unref();
    return launch;
  }

  private async launchOnce(exec: LaunchExec, task: LiveTask, asked: RequestContext): Promise<{ pid: number; position: number }> {
    const { identity } = task;
    const known = exec.check ? task.checks.pidOf(exec.exec) : (task.execs.get(exec.exec)?.pid ?? (task.isAdopted ? await this.onTheLog(exec) : undefined));
    if (known !== undefined) return { pid: known, position: this.tasks.position };
    const target = exec.check ? checkTarget(exec.exec) : exec.exec;
    try {
      if (exec.check) endChecks(task);
      else this.causes.execAsked(taskId(identity), exec.exec, asked);
      const plan = await this.planOf(task, exec);
      const request = frame(EXEC, target, encodePlan(plan));
      await failpoint('exec.before');
      if (!task.connection || task.hasExited) throw notRunning(exec);
      const outcome = this.live.outcomeOf(task, target);
      task.connection.send(request);
      const started = await outcome;
      await failpoint('exec.reported');
      if (started.times) recordPlan(plan, started.times);
      if (started.type === 'failed') {
        task.connection?.send(frame(ACK_EXIT, target));
        // Who comes while its container ends is told so, and not at which step that showed.
        if (isEnding(task.pid)) throw notRunning(exec);
        const failure = (task.runtime && (await this.runtimes.failure(task, exec.exec))) || startFailure(plan, started.step, started.errno, exec.process.args[0] ?? '', PREFIX);
        // Others filled the places: the container is as healthy as before.
        throw exec.check && hasNoRoom(started.step) ? unavailable(failure.message, failure) : failure;
      }
      return { pid: started.pid, position: this.tasks.position };
    } catch (error) {
      const [exitCode, at] = [execExitCode(errorMessage(error)), new Date().toISOString()];
      if (exec.check) task.checks.failed(exec.exec, exitCode, at);
      else await this.tasks.execute(taskId(identity), { type: 'RecordExecExited', ...identity, exec: exec.exec, exitCode, neverStarted: true, at }, asked);
      throw error;
    } finally {
      if (task.runtime) await this.runtimes.forgetExec(task, exec.exec);
    }
  }

  /** A request that outlived an executor comes again to the next one: only in its first minute can an exec have run that it knows nothing of. */
  private async onTheLog({ exec }: LaunchExec): Promise<number | undefined> {
    if (performance.now() > REQUEST_LIFETIME_MS) this.recent = undefined;
    return this.recent?.pidOf(exec);
  }

  private async planOf(task: LiveTask, exec: LaunchExec): Promise<Plan> {
    const tickets = exec.tickets.map(({ ticket, stdin, stdout, stderr }) => `${ticket}:${stdin ? 'i' : ''}${stdout ? 'o' : ''}${stderr ? 'e' : ''}`);
    const apparmorProfile = await this.appArmor?.profileFor(exec.security);
    const confined = apparmorProfile === undefined ? {} : { apparmorProfile };
    if (task.runtime) return await this.runtimes.execPlan(task.runtime, task, exec, tickets, confined);
    return compileExecPlan({
      process: exec.process,
      security: exec.security,
      ...(task.ids ? { ids: task.ids } : {}),
      privileged: exec.privileged,
      ...confined,
      ulimits: exec.ulimits,
      ...(exec.oomScoreAdj === undefined ? {} : { oomScoreAdj: exec.oomScoreAdj }),
      initPid: task.pid,
      timed: task.tellsTimes && (currentSpan()?.isRecorded ?? false),
      cgroupDirectories: directoriesToJoin(this.layout, this.cgroups.path(task.place), task.pid),
      tickets,
    });
  }
}

/** Of a predecessor's, or of one that could not be killed in time: nobody asks how they end. */
function endChecks(task: LiveTask): void {
  for (const exec of task.checks.leave()) task.connection?.send(frame(SIGNAL_EXEC, checkTarget(exec), SIGKILL));
}

const notRunning = ({ container }: LaunchExec): BerthError => conflict(`container ${container} is not running`);
