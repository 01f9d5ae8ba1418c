import type { Tasks } from '../launch/task-launcher.js';
import { type TaskIdentity, taskId } from './live-task.js';

/** How long tasks are held in memory: the newest of each container, for as long as the container is there. The log keeps them all. */
export class TaskMemory {
  constructor(
    private readonly tasks: Pick<Tasks, 'entries' | 'forget'>,
    /** Whether the host has files of a container. */
    private readonly isThere: (container: string) => boolean,
  ) {}

  /** Its predecessor is over. */
  started({ container, start }: TaskIdentity): void {
    this.tasks.forget(taskId({ container, start: start - 1 }));
  }

  /** It was looked up in the log, being over: of a container that is gone it is forgotten again. */
  ended(task: TaskIdentity): void {
    if (!this.isThere(task.container)) this.tasks.forget(taskId(task));
  }

  removed(container: string): void {
    for (const [id] of this.tasks.entries()) if (id.startsWith(`${container}-`)) this.tasks.forget(id);
  }

  /** After a replay of everything: what is over, of containers that are gone, and of others all but the newest. */
  sweep(): void {
    const newest = new Map<string, number>();
    for (const [, task] of this.tasks.entries()) if (task.status !== 'absent') newest.set(task.container, Math.max(task.start, newest.get(task.container) ?? 0));
    for (const [id, task] of [...this.tasks.entries()]) {
      if (task.status !== 'exited' && task.status !== 'failed') continue;
      if (task.start < (newest.get(task.container) ?? 0) || !this.isThere(task.container)) this.tasks.forget(id);
    }
  }
}
