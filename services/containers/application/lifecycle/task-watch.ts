import { randomUUID } from 'node:crypto';
import type { TaskEvent } from '#contracts/executor/tasks.js';
import type { RequestContext } from '#contracts/request.js';
import { causedBy } from '#libs/event-store/caused-by.js';
import type { Commit } from '#libs/event-store/event.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { Reaction, type Work } from '#libs/event-store/reaction.js';
import type { LogFields } from '#libs/telemetry/log-record.js';
import { isPresent } from '../../domain/container/container-state.js';
import type { Containers } from '../names/container-directory.js';
import type { ExecRuns } from '../processes/exec-runs.js';
import type { ContainerLifecycle } from './container-lifecycle.js';

type Started = Extract<TaskEvent, { type: 'TaskStarted' }>;
type Exited = Extract<TaskEvent, { type: 'TaskExited' }>;
type Failed = Extract<TaskEvent, { type: 'TaskFailed' }>;

const taskOf = ({ container, start }: TaskEvent): string => `${container}-${start}`;

/** Turns what the executor observed of tasks into what that means for containers. Events of one container in their order; delivered again, they change nothing. */
export class TaskWatch {
  private readonly reaction: Reaction;
  /** Tasks that run: after a start some may have lost who wanted them. */
  private readonly running = new Map<string, Started>();
  private live = false;

  constructor(
    store: EventStore,
    private readonly containers: Containers,
    private readonly lifecycle: ContainerLifecycle,
    private readonly execRuns: ExecRuns,
    snapshotPath: string,
    private readonly onError: (error: unknown, about: LogFields) => void,
  ) {
    this.reaction = new Reaction(store, {
      filters: ['berth.event.task.>'],
      // Only the executor may write these subjects.
      see: (commit) => this.see(commit as Commit as Commit<TaskEvent>),
      snapshot: { path: snapshotPath, fold: '2', freeze: () => this.freeze(), thaw: (frozen) => this.thaw(frozen) },
      onError: (error) => onError(error, {}),
    });
  }

  get position(): number {
    return this.reaction.position;
  }

  saveSnapshot(): Promise<void> {
    return this.reaction.saveSnapshot();
  }

  async start(): Promise<void> {
    await this.reaction.start();
    this.live = true;
    const asked: RequestContext = { actor: 'service:containers', correlationId: randomUUID(), causationId: 'recovery' };
    for (const event of this.running.values()) this.endUnwanted(event, asked);
  }

  stop(): Promise<void> {
    return this.reaction.stop();
  }

  private see(commit: Commit<TaskEvent>): Work[] {
    const asked: RequestContext = causedBy(commit, 'service:containers');
    return commit.events.flatMap((event): Work[] => {
      this.execRuns.see(event);
      if (event.type === 'TaskStarted') {
        this.running.set(taskOf(event), event);
        return [{ key: event.container, run: () => this.started(event, asked) }];
      }
      if (event.type === 'TaskFailed') return [{ key: event.container, run: () => this.failed(event, asked) }];
      if (event.type !== 'TaskExited') return [];
      this.running.delete(taskOf(event));
      return [{ key: event.container, run: () => this.exited(event, asked) }];
    });
  }

  private async started(event: Started, asked: RequestContext): Promise<void> {
    await this.lifecycle.starts.recordStarted(event.container, event.start, event.pid, event.at, asked);
    if (this.live) this.endUnwanted(event, asked);
  }

  /** A start that was given up before it was heard of: nobody would ever stop what it began. */
  private endUnwanted({ container, start }: Started, asked: RequestContext): void {
    const { state } = this.containers.get(container);
    if (isPresent(state) && state.run.start === start && !state.run.over) return;
    // Not awaited: its exit is told in this same queue.
    this.lifecycle.ends.endTask(container, start, asked).catch((error: unknown) => this.onError(error, { container, correlationId: asked.correlationId }));
  }

  private async exited({ container, start, exitCode, signal, oomKilled, keeperLost, at }: Exited, asked: RequestContext): Promise<void> {
    await this.containers.execute(container, { type: 'RecordExited', start, exitCode, signal, oomKilled, keeperLost, at }, asked);
  }

  /**
   * Who asked for the start is told of a failure by its answer. But one whose answer was that it runs fails when executor and shim die before the log knew: nobody saw how that
   * run ended.
   */
  private async failed({ container, start, at }: Failed, asked: RequestContext): Promise<void> {
    const { state } = this.containers.get(container);
    if (!isPresent(state) || state.run.start !== start || state.run.startedAt === '') return;
    await this.containers.execute(container, { type: 'RecordExited', start, exitCode: 255, signal: 0, oomKilled: false, keeperLost: true, at }, asked);
  }

  private freeze(): unknown {
    return { execs: this.execRuns.freeze(), running: [...this.running.values()] };
  }

  private thaw(frozen: unknown): void {
    const { execs, running } = frozen as { readonly execs: unknown; readonly running: readonly Started[] }; // what `freeze` gave
    this.execRuns.thaw(execs);
    for (const event of running) this.running.set(taskOf(event), event);
  }
}
