import { readdir, readFile, rm } from 'node:fs/promises';
import { unavailable } from '#libs/errors/errors.js';
import { ShimConnection } from '../adapters/shim/shim-connection.js';
import { ACK_EXIT, frame, type ShimEvent, timestamp } from '../adapters/shim/shim-frames.js';
import { LiveTask, taskId } from './live-task.js';
import type { TaskCauses } from './task-causes.js';
import type { Tasks } from './task-launcher.js';
import type { PortPublisher } from './port-publisher.js';

/** How long the beginning of a container or exec may take, exec(3) of its command included. */
const START_DEADLINE_MS = 30_000;

export type Outcome = Extract<ShimEvent, { type: 'started' | 'failed' }>;

/** The shims this executor is connected to, and what they tell: their exits become events, in order, once. */
export class LiveTasks {
  private readonly tasks = new Map<string, LiveTask>();
  private readonly outcomes = new Map<string, (outcome: Outcome) => void>();
  /** Exits that came before their start was recorded. */
  private readonly early = new Map<LiveTask, Extract<ShimEvent, { type: 'exited' }>[]>();

  constructor(
    private readonly log: Tasks,
    private readonly causes: TaskCauses,
    private readonly ports: PortPublisher,
    private readonly onError: (error: unknown) => void,
  ) {}

  get(id: string): LiveTask | undefined {
    return this.tasks.get(id);
  }

  byContainer(container: string): LiveTask | undefined {
    for (const task of this.tasks.values()) if (task.identity.container === container && task.pid !== 0) return task;
    return undefined;
  }

  all(): Iterable<LiveTask> {
    return this.tasks.values();
  }

  add(task: LiveTask): void {
    this.tasks.set(taskId(task.identity), task);
    this.early.set(task, []);
  }

  /** Its start is on record: what it told meanwhile can follow. */
  started(task: LiveTask): void {
    const exits = this.early.get(task) ?? [];
    this.early.delete(task);
    for (const exit of exits) this.exited(task, exit);
  }

  /** It never came to be: the shim is told that nobody waits for it. */
  dismiss(task: LiveTask): void {
    this.early.delete(task);
    this.tasks.delete(taskId(task.identity));
    task.hasExited = true;
    task.emit('exited');
    task.connection?.send(frame(ACK_EXIT, ''));
    task.connection?.close();
  }

  /** Resolves to the first thing the shim tells of `target` ('' is the container's own command). */
  outcomeOf(task: LiveTask, target = ''): Promise<Outcome> {
    const key = outcomeKey(task, target);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.outcomes.delete(key);
        reject(unavailable(`the shim of ${task.identity.container} did not report within ${START_DEADLINE_MS / 1000} s`));
      }, START_DEADLINE_MS);
      this.outcomes.set(key, (outcome) => {
        clearTimeout(timer);
        this.outcomes.delete(key);
        resolve(outcome);
      });
    });
  }

  async connect(task: LiveTask): Promise<void> {
    task.connection = await ShimConnection.open(
      task.socket,
      (event) => this.heard(task, event),
      () => {
        task.connection = undefined;
        // The shim stays until its streams were read to their end: only when it has left is its socket of no use.
        const work = task.hasExited ? removeDirectory(task) : this.recover(task);
        work.catch(this.onError);
      },
    );
  }

  /** Finds the shims of tasks that run by the log, records what became of those whose shim is gone, and lets shims go whose exit is on the log. */
  async adopt(runRoot: string): Promise<void> {
    for (const id of await readdir(`${runRoot}/tasks`)) {
      const state = await this.log.load(id);
      if (state.status !== 'exited') continue;
      const task = new LiveTask({ container: state.container, start: state.start }, `${runRoot}/tasks/${id}`);
      task.hasExited = true;
      await this.connect(task).then(() => task.connection?.send(frame(ACK_EXIT, ''))).catch(() => removeDirectory(task));
    }
    for (const [id, state] of this.log.entries()) {
      if (state.status !== 'running') continue;
      const task = new LiveTask({ container: state.container, start: state.start }, `${runRoot}/tasks/${id}`);
      task.pid = state.pid;
      task.ports = state.published?.ports ?? [];
      task.address = state.published?.address ?? '';
      this.tasks.set(id, task);
      await this.recover(task);
    }
  }

  /** The connection is gone, or there never was one: connects again, else reads the exit record, else the keeper is lost. */
  private async recover(task: LiveTask): Promise<void> {
    try {
      await this.connect(task);
      return;
    } catch {
      const exit = (await readExitRecord(task.directory)) ?? { exitCode: 255, signal: 0, oomKilled: false, keeperLost: true, at: new Date().toISOString() };
      await this.ended(task, exit);
    }
  }

  private heard(task: LiveTask, event: ShimEvent): void {
    switch (event.type) {
      case 'started':
        // At once, so that an exit told in the same breath is recorded after it.
        if (event.target !== '') this.execStarted(task, event).catch(this.onError);
        this.outcomes.get(outcomeKey(task, event.target))?.(event);
        return;
      case 'failed':
        this.outcomes.get(outcomeKey(task, event.target))?.(event);
        return;
      case 'exited': {
        const early = this.early.get(task);
        if (early) early.push(event);
        else this.exited(task, event);
      }
    }
  }

  private exited(task: LiveTask, event: Extract<ShimEvent, { type: 'exited' }>): void {
    const work = event.target === '' ? this.ended(task, { ...event, keeperLost: false }) : this.execEnded(task, event);
    work.catch(this.onError);
  }

  private async execStarted(task: LiveTask, { target: exec, pid, at }: Extract<ShimEvent, { type: 'started' }>): Promise<void> {
    const id = taskId(task.identity);
    await this.log.execute(id, { type: 'RecordExecStarted', ...task.identity, exec, pid, at }, this.causes.execCause(id, exec));
  }

  private async execEnded(task: LiveTask, { target: exec, exitCode, at }: Extract<ShimEvent, { type: 'exited' }>): Promise<void> {
    const id = taskId(task.identity);
    await this.log.execute(id, { type: 'RecordExecExited', ...task.identity, exec, exitCode, at }, this.causes.execCause(id, exec));
    task.connection?.send(frame(ACK_EXIT, exec));
  }

  private async ended(task: LiveTask, exit: { exitCode: number; signal: number; oomKilled: boolean; keeperLost: boolean; at: string }): Promise<void> {
    const id = taskId(task.identity);
    if (task.hasExited) return;
    task.hasExited = true;
    const { exitCode, signal, oomKilled, keeperLost, at } = exit;
    await this.log.execute(id, { type: 'RecordExited', ...task.identity, exitCode, signal, oomKilled, keeperLost, at }, this.causes.exitCause(id, signal));
    task.emit('exited');
    this.tasks.delete(id);
    if (task.connection) task.connection.send(frame(ACK_EXIT, ''));
    else await removeDirectory(task);
    await this.ports.unpublish(task);
  }
}

const removeDirectory = (task: LiveTask): Promise<void> => rm(task.directory, { recursive: true, force: true });

const outcomeKey = (task: LiveTask, target: string): string => `${taskId(task.identity)} ${target}`;

/** What the shim wrote before it told anybody: `code signal oom nanoseconds`. */
async function readExitRecord(directory: string): Promise<{ exitCode: number; signal: number; oomKilled: boolean; keeperLost: boolean; at: string } | undefined> {
  const text = await readFile(`${directory}/exit`, 'utf8').catch(() => '');
  const [, exitCode, signal, oom, at] = /^(\d+) (\d+) (\d+) (\d+)\n/.exec(text) ?? [];
  if (exitCode === undefined || signal === undefined || oom === undefined || at === undefined) return undefined;
  return { exitCode: Number(exitCode), signal: Number(signal), oomKilled: oom !== '0', keeperLost: false, at: timestamp(BigInt(at)) };
}
