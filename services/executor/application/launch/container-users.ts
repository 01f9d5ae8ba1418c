import type { CheckTaskUser } from '#contracts/executor/tasks.js';
import type { Done } from '#contracts/request.js';
import { BerthError, conflict, invalid } from '#libs/errors/errors.js';
import { hasDistantMounts } from '../../adapters/host/distant-mounts.js';
import { readUserFilesOf } from '../../adapters/runtimes/user-files.js';
import { containerUser, type UserFiles } from '../../domain/spec/container-user.js';
import { ThreadsApart } from '../copies/threads-apart.js';
import { type LiveTask, taskId } from '../tasks/live-task.js';

/** Whom running containers know, by their own files. Whoever makes it closes it. */
export class ContainerUsers {
  private readonly apart = new ThreadsApart();

  constructor(private readonly liveTask: (id: string) => Pick<LiveTask, 'pid' | 'hasExited'> | undefined) {}

  /** Rejects as invalid for a user or group that the container does not know, as conflict where it does not run. */
  async check({ container, start, user }: Pick<CheckTaskUser, 'container' | 'start' | 'user'>): Promise<Done> {
    const task = this.liveTask(taskId({ container, start }));
    if (!task || task.hasExited) throw conflict(`container ${container} is not running`);
    const files = await this.files(container, task.pid);
    try {
      containerUser(user, [], files);
    } catch (error) {
      // Of an exec dockerd says whose mistake it is, and not of a container's start.
      throw error instanceof BerthError && error.kind === 'unclassified' ? invalid(error.message, error) : error;
    }
    return { position: 0 };
  }

  /** Read here and now, which is sooner than a thread is there, unless they may lie where nobody answers. */
  async files(container: string, pid: number): Promise<UserFiles> {
    return hasDistantMounts(container, pid) ? this.apart.of(container).run('readRunningUserFiles', { container, pid }) : readUserFilesOf(container, pid);
  }

  close(): Promise<void> {
    return this.apart.close();
  }
}
