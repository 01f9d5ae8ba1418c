import type { TaskEvent } from '#contracts/executor/tasks.js';
import type { RequestContext } from '#contracts/request.js';
import { causedBy } from '#libs/event-store/caused-by.js';
import type { Commit } from '#libs/event-store/event.js';
import type { EventStore, Following } from '#libs/event-store/event-store.js';
import type { LogFields } from '#libs/telemetry/log-record.js';
import type { Containers } from './container-directory.js';
import type { ContainerLifecycle } from './container-lifecycle.js';
import type { ExecRuns } from './exec-runs.js';

const RECOVERY: RequestContext = { actor: 'service:containers', correlationId: 'recovery', causationId: 'recovery' };
const taskOf = ({ container, start }: TaskEvent): string => `${container}-${start}`;

/** Turns what the executor observed of tasks into what that means for containers. Events of one container in their order; delivered again, they change nothing. */
export class TaskWatch {
  private readonly queues = new Map<string, Promise<void>>();
  private following: Following | undefined;
  /** Tasks that run by what was replayed: some may have lost who wanted them. */
  private readonly replayed = new Map<string, Extract<TaskEvent, { type: 'TaskStarted' }>>();
  private live = false;

  constructor(
    private readonly store: EventStore,
    private readonly containers: Containers,
    private readonly lifecycle: ContainerLifecycle,
    private readonly execRuns: ExecRuns,
    private readonly onError: (error: unknown, about: LogFields) => void,
  ) {}

  async start(): Promise<void> {
    this.following = await this.store.follow(['berth.event.task.>'], 0, (commit) => this.see(commit as Commit<TaskEvent>));
    await Promise.all(this.queues.values());
    this.live = true;
    for (const event of this.replayed.values()) this.enqueue(event.container, () => this.endUnwanted(event, RECOVERY));
    this.replayed.clear();
  }

  async stop(): Promise<void> {
    await this.following?.stop();
  }

  private see(commit: Commit<TaskEvent>): void {
    const asked: RequestContext = causedBy(commit, 'service:containers');
    for (const event of commit.events) {
      this.execRuns.see(event);
      if (event.type === 'TaskStarted') this.enqueue(event.container, () => this.started(event, asked));
      if (event.type === 'TaskExited') this.enqueue(event.container, () => this.exited(event, asked));
      if (event.type === 'TaskStarted' && !this.live) this.replayed.set(taskOf(event), event);
      if (event.type === 'TaskExited') this.replayed.delete(taskOf(event));
    }
  }

  private async started(event: Extract<TaskEvent, { type: 'TaskStarted' }>, asked: RequestContext): Promise<void> {
    await this.lifecycle.recordStarted(event.container, event.start, event.pid, event.at, asked);
    if (this.live) await this.endUnwanted(event, asked);
  }

  /** A start that was given up before it was heard of: nobody would ever stop what it began. */
  private async endUnwanted({ container, start }: Extract<TaskEvent, { type: 'TaskStarted' }>, asked: RequestContext): Promise<void> {
    const { state } = this.containers.get(container);
    if (state.status !== 'absent' && state.run.start === start && !state.run.over) return;
    // Not awaited: its exit is told in this same queue.
    this.lifecycle.endTask(container, start, asked).catch((error: unknown) => this.onError(error, { container, correlationId: asked.correlationId }));
  }

  private async exited(event: Extract<TaskEvent, { type: 'TaskExited' }>, asked: RequestContext): Promise<void> {
    const { start, exitCode, signal, oomKilled, keeperLost, at } = event;
    await this.containers.execute(event.container, { type: 'RecordExited', start, exitCode, signal, oomKilled, keeperLost, at }, asked);
  }

  private enqueue(container: string, work: () => Promise<void>): void {
    const queue = (this.queues.get(container) ?? Promise.resolve()).then(work).catch((error: unknown) => this.onError(error, { container }));
    this.queues.set(container, queue);
    void queue.then(() => {
      if (this.queues.get(container) === queue) this.queues.delete(container);
    });
  }
}
