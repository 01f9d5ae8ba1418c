import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { RequestContext } from '#contracts/request.js';
import { errorMessage } from '#libs/errors/errors.js';
import type { LogFields } from '#libs/telemetry/log-record.js';
import type { CgroupPlace, ContainerCgroups } from '../../adapters/host/container-cgroups.js';
import { forksOfTheDead } from '../../adapters/shim/orphaned-shim.js';
import { ShimGone } from '../../adapters/shim/shim-connection.js';
import { ACK_EXIT, frame } from '../../adapters/shim/shim-frames.js';
import type { Tasks } from '../launch/task-launcher.js';
import { LiveTask, type Started, taskId } from './live-task.js';
import type { LiveTasks } from './live-tasks.js';
import { removeDirectory } from './task-directory.js';

const EXECUTOR: RequestContext = { actor: 'service:executor', correlationId: 'recovery', causationId: 'recovery' };
/** A stopped shim is adopted later, beside the work: it must not hold up the start of the executor. */
const PATIENCE_MS = 3_000;
const RECONNECT_MS = 1_000;

/**
 * What an executor does first: finds the shims of tasks that run by the log, ends or finishes starts that its predecessor did not live to see the end of,
 * lets shims go whose exit is on the log, and takes away what belongs to none of them.
 */
export class TaskAdoption {
  constructor(
    private readonly tasks: Tasks,
    private readonly live: LiveTasks,
    private readonly cgroups: ContainerCgroups,
    private readonly runRoot: string,
    /** Takes back what is published of a task that never came to be. */
    private readonly withdraw: (task: LiveTask) => Promise<void>,
    private readonly onError: (error: unknown, about: LogFields) => void,
  ) {}

  async adopt(): Promise<void> {
    // A predecessor that died just now may have asked for shims that do not listen yet: taken for none, they would run unseen.
    if (Array.from(this.tasks.entries()).some(([, { status }]) => status === 'requested')) await forksOfTheDead();
    const directories = new Set(await readdir(`${this.runRoot}/tasks`));
    const work: Promise<unknown>[] = [];
    const withCgroups = this.cgroups.all();
    const known = new Map<string, CgroupPlace>();
    const running = new Set<string>();
    for (const [id, state] of this.tasks.entries()) {
      if (state.status === 'absent') continue;
      const task = new LiveTask({ container: state.container, start: state.start }, `${this.runRoot}/tasks/${id}`);
      known.set(state.container, state);
      task.cgroupParent = state.cgroupParent;
      task.lateTickets = undefined;
      if (state.status === 'running' || state.status === 'requested') {
        task.ports = state.published?.ports ?? [];
        task.address = state.published?.address ?? '';
        task.runtime = state.runtime;
        task.ids = state.ids;
        running.add(state.container);
      }
      if (state.status === 'running') {
        task.pid = state.pid;
        this.live.adopted(task);
        work.push(this.live.recover(task));
      } else if (state.status === 'requested') {
        work.push(this.live.begin(task, () => this.finishStart(task)).catch((error: unknown) => this.onError(error, { container: state.container })));
      } else if (state.status === 'exited' && directories.has(id)) work.push(this.letGo(task));
      else if (state.status === 'failed' && directories.has(id)) work.push(this.live.dismiss(task));
      directories.delete(id);
    }
    for (const id of directories) work.push(this.adoptStray(strayTask(id, this.runRoot)));
    // Those of containers that this log never heard of are another engine's, under the same parent.
    for (const [container, place] of known) if ((withCgroups.has(container) || place.cgroupParent !== undefined) && !running.has(container)) work.push(this.cgroups.end(place));
    const timer = Promise.withResolvers<void>();
    const patience = setTimeout(timer.resolve, PATIENCE_MS);
    await Promise.race([Promise.all(work.map((part) => part.catch((error: unknown) => this.onError(error, {})))), timer.promise]);
    clearTimeout(patience);
    this.live.tidyParents();
  }

  /**
   * The predecessor asked for it and died. The shim tells what became of it; one that is gone may have run it, to an end that nobody told; no shim ever: it is
   * as if it had never been asked for.
   */
  private async finishStart(task: LiveTask): Promise<Started> {
    const id = taskId(task.identity);
    try {
      const outcome = this.live.outcomeOf(task);
      await Promise.all([this.live.connect(task), outcome]);
      const started = await outcome;
      if (started.type === 'failed') throw new Error(`step ${started.step} failed with error ${started.errno}`);
      task.pid = started.pid;
      // It runs, whether or not the log takes that now.
      this.live.recordStart(task, started, EXECUTOR);
      return { pid: started.pid, startedAt: started.at, position: this.tasks.position };
    } catch (error) {
      if (error instanceof ShimGone && existsSync(task.socket)) {
        await this.live.goneBeforeRecorded(task);
        throw error;
      }
      // By the time that it is given up, what it has published may be held and in the firewall anew.
      await this.live.dismiss(task).finally(() => this.withdraw(task));
      await this.tasks.execute(id, { type: 'RecordFailed', ...task.identity, error: `the executor ended while it was started: ${errorMessage(error)}`, at: new Date().toISOString() }, EXECUTOR);
      throw error;
    }
  }

  /** Of a task that is over and has left memory, or of a start that did not get as far as the log. */
  private async adoptStray(task: LiveTask): Promise<void> {
    const state = await this.tasks.load(taskId(task.identity));
    if (state.status !== 'absent') task.cgroupParent = state.cgroupParent;
    await (state.status === 'exited' ? this.letGo(task) : this.live.dismiss(task));
  }

  private async letGo(task: LiveTask): Promise<void> {
    task.hasExited = true;
    for (;;) {
      try {
        await this.live.connect(task);
        task.connection?.send(frame(ACK_EXIT, ''));
        return;
      } catch (error) {
        if (error instanceof ShimGone) return removeDirectory(task);
        // One that is stopped must not be left behind without a way to it.
        this.onError(error, { container: task.identity.container });
        await delay(RECONNECT_MS);
      }
    }
  }
}

/** A directory of a task that is not in memory. */
function strayTask(id: string, runRoot: string): LiveTask {
  const separator = id.lastIndexOf('-');
  return new LiveTask({ container: id.slice(0, separator), start: Number(id.slice(separator + 1)) }, `${runRoot}/tasks/${id}`);
}
