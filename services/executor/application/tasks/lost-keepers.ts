import type { ContainerCgroups } from '../../adapters/host/container-cgroups.js';
import { namedProcesses } from '../../adapters/host/named-processes.js';
import type { ThreadsApart } from '../copies/threads-apart.js';
import type { OciRuntimes } from '../launch/oci-runtimes.js';
import type { LiveTask } from './live-task.js';

/** What a shim does at the end of its container, done for one that was killed before it could, or that cannot come to it. */
export class LostKeepers {
  constructor(
    private readonly cgroups: ContainerCgroups,
    private readonly runtimes: OciRuntimes,
    private readonly apart: ThreadsApart,
  ) {}

  /** A killed process of a paused container cannot end on v1 until it may go on. */
  thaw(task: LiveTask): void {
    this.cgroups.thaw(task.place);
  }

  /** Also what its first process waits for, as for a file system that one of its own serves and that does not answer: no signal ends such a wait in the kernel. */
  kill(task: LiveTask): void {
    this.cgroups.kill(task.place);
  }

  /** What is left of a killed one, in words; undefined: nothing. */
  left({ place }: LiveTask): string | undefined {
    return namedProcesses(this.cgroups.processes(place));
  }

  /** Ends file systems for which what is left of a killed one waits, though its own processes held the other end. `others`: first processes of other containers, whose file systems go on. */
  async abortFileSystems({ identity: { container }, place }: LiveTask, others: readonly number[]): Promise<void> {
    const processes = this.cgroups.processes(place);
    if (processes.length > 0) await this.apart.of(container).run('abortFuse', { container, processes, others });
  }

  /** Resolves when the container's processes have ended, its cgroups are gone, and its runtime knows it no more. */
  async end(task: LiveTask): Promise<void> {
    await this.cgroups.end(task.place);
    // A runtime that was uninstalled meanwhile has left nothing but its own notes.
    if (task.runtime) await this.runtimes.abandon(task.runtime, task).catch(() => undefined);
  }
}
