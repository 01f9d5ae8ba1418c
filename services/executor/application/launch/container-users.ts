import type { CheckTaskUser, TaskSecurity } from '#contracts/executor/tasks.js';
import type { Done } from '#contracts/request.js';
import { BerthError, conflict, invalid } from '#libs/errors/errors.js';
import { readUserFilesAtOnce } from '../../adapters/runtimes/user-files.js';
import { mayMount } from '../../domain/spec/capabilities.js';
import { containerUser, type UserFiles } from '../../domain/spec/container-user.js';
import { ThreadsApart } from '../copies/threads-apart.js';
import { type LiveTask, taskId } from '../tasks/live-task.js';

/** Whom running containers know, by their own files. Whoever makes it closes it. */
export class ContainerUsers {
  constructor(
    private readonly liveTask: (id: string) => Pick<LiveTask, 'pid' | 'hasExited'> | undefined,
    private readonly apart: Pick<ThreadsApart, 'of' | 'close'> = new ThreadsApart(),
  ) {}

  /** Rejects as invalid for a user or group that the container does not know, as conflict where it does not run. */
  async check({ container, start, user, security }: Pick<CheckTaskUser, 'container' | 'start' | 'user' | 'security'>): Promise<Done> {
    const task = this.liveTask(taskId({ container, start }));
    if (!task || task.hasExited) throw conflict(`container ${container} is not running`);
    const files = await this.files(container, task.pid, security);
    try {
      containerUser(user, [], files);
    } catch (error) {
      // Of an exec dockerd says whose mistake it is, and not of a container's start.
      throw error instanceof BerthError && error.kind === 'unclassified' ? invalid(error.message, error) : error;
    }
    return { position: 0 };
  }

  /**
   * Read here and now, which is sooner than a thread is there, unless somebody has to be waited for, who may never answer. Where a container can mount, that cannot be told: its first process may have an
   * overlay of its own for a root, over what it answers for itself.
   */
  async files(container: string, pid: number, security: TaskSecurity): Promise<UserFiles> {
    return (mayMount(security) ? undefined : readUserFilesAtOnce(container, pid)) ?? (await this.apart.of(container).run('readRunningUserFiles', { container, pid }));
  }

  close(): Promise<void> {
    return this.apart.close();
  }
}
