import type { LaunchExec } from '#contracts/executor/tasks.js';
import type { RequestContext } from '#contracts/request.js';
import { type CgroupLayout, cgroupDirectories } from '#libs/cgroup/layout.js';
import { conflict, errorMessage } from '#libs/errors/errors.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { ACK_EXIT, EXEC, frame } from '../adapters/shim/shim-frames.js';
import { compileExecPlan } from '../domain/plan/compile-exec-plan.js';
import { encodePlan } from '../domain/plan/encode-plan.js';
import { startFailure } from '../domain/plan/start-failure.js';
import { taskId } from './live-task.js';
import type { LiveTasks } from './live-tasks.js';
import type { TaskCauses } from './task-causes.js';
import type { Tasks } from './task-launcher.js';

const PREFIX = 'OCI runtime exec failed: exec failed: unable to start container process: ';

/** A further command in a running container: the container's own shim forks it into the container's namespaces. */
export class ExecLauncher {
  constructor(
    private readonly tasks: Tasks,
    private readonly live: LiveTasks,
    private readonly causes: TaskCauses,
    private readonly cgroups: CgroupLayout,
    private readonly settings: EngineSettings,
  ) {}

  async launch(exec: LaunchExec, asked: RequestContext): Promise<{ pid: number; position: number }> {
    const identity = { container: exec.container, start: exec.start };
    const task = this.live.get(taskId(identity));
    if (!task?.connection) throw conflict(`container ${exec.container} is not running`);
    const plan = compileExecPlan({
      process: exec.process,
      security: exec.security,
      initPid: task.pid,
      cgroupDirectories: cgroupDirectories(this.cgroups, `${this.settings.cgroupParent}/${exec.container}`),
      tickets: exec.tickets.map(({ ticket, stdin, stdout, stderr }) => `${ticket}:${stdin ? 'i' : ''}${stdout ? 'o' : ''}${stderr ? 'e' : ''}`),
    });
    try {
      this.causes.execAsked(taskId(identity), exec.exec, asked);
      const outcome = this.live.outcomeOf(task, exec.exec);
      task.connection.send(frame(EXEC, exec.exec, encodePlan(plan)));
      const started = await outcome;
      if (started.type === 'failed') {
        task.connection?.send(frame(ACK_EXIT, exec.exec));
        throw startFailure(plan, started.step, started.errno, exec.process.args[0] ?? '', PREFIX);
      }
      return { pid: started.pid, position: this.tasks.position };
    } catch (error) {
      const exitCode = /permission denied/.test(errorMessage(error)) ? 126 : 127;
      await this.tasks.execute(taskId(identity), { type: 'RecordExecExited', ...identity, exec: exec.exec, exitCode, neverStarted: true, at: new Date().toISOString() }, asked);
      throw error;
    }
  }
}
