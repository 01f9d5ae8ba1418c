import type { TaskEvent } from '#contracts/executor/tasks.js';
import type { RequestContext } from '#contracts/request.js';
import type { Commit } from '#libs/event-store/event.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { Reaction, type Work } from '#libs/event-store/reaction.js';
import type { Containers } from './container-directory.js';
import type { ContainerLifecycle } from './container-lifecycle.js';
import type { ExecRuns } from './exec-runs.js';

/** Turns what the executor observed of tasks into what that means for containers. Events of one container in their order; delivered again, they change nothing. */
export class TaskWatch extends Reaction {
  constructor(store: EventStore, containers: Containers, lifecycle: ContainerLifecycle, execRuns: ExecRuns, snapshotPath: string, onError: (error: unknown) => void) {
    super(store, {
      filters: ['berth.event.task.>'],
      // Only the executor may write these subjects.
      see: (commit) => see(commit as Commit as Commit<TaskEvent>, containers, lifecycle, execRuns),
      snapshot: { path: snapshotPath, fold: '1', freeze: () => execRuns.freeze(), thaw: (frozen) => execRuns.thaw(frozen) },
      onError,
    });
  }
}

function see(commit: Commit<TaskEvent>, containers: Containers, lifecycle: ContainerLifecycle, execRuns: ExecRuns): Work[] {
  const asked: RequestContext = { actor: 'service:containers', correlationId: commit.cause.correlationId, causationId: commit.id };
  return commit.events.flatMap((event): Work[] => {
    execRuns.see(event);
    const { container, start, at } = event;
    if (event.type === 'TaskStarted') return [{ key: container, run: async () => void (await lifecycle.recordStarted(container, start, event.pid, at, asked)) }];
    if (event.type !== 'TaskExited') return [];
    const { exitCode, signal, oomKilled, keeperLost } = event;
    return [{ key: container, run: async () => void (await containers.execute(container, { type: 'RecordExited', start, exitCode, signal, oomKilled, keeperLost, at }, asked)) }];
  });
}
