import type { Tasks } from '../launch/task-launcher.js';
import { type TaskIdentity, taskId } from './live-task.js';

/** Containers whose tasks are known for a while after their removal. */
const REMEMBERED = 100;

/** How long tasks are held in memory: the newest of each container, for as long as the container is there, and a while longer. The log keeps them all. */
export class TaskMemory {
  /** By container, its tasks, in the order of the removals. */
  private readonly leaving = new Map<string, readonly string[]>();

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

  /**
   * Whoever asks for a start asks again while there is no answer, and on a busy host that may come behind the removal: known to be over, nothing is prepared for it, with the
   * container's ports, which are another's by then.
   */
  removed(container: string): void {
    const ids = Array.from(this.tasks.entries(), ([id]) => id).filter((id) => id.startsWith(`${container}-`));
    this.leaving.delete(container);
    this.leaving.set(container, ids);
    for (const [oldest, over] of this.leaving) {
      if (this.leaving.size <= REMEMBERED) return;
      this.leaving.delete(oldest);
      for (const id of over) this.tasks.forget(id);
    }
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
