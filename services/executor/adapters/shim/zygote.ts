import { orphanedShim } from './orphaned-shim.js';
import { ZygoteLost, ZygoteProcess } from './zygote-process.js';

/** How long a shim may take to be forked and listening. */
const SPAWN_DEADLINE_MS = 10_000;

/**
 * The tiny process that forks shims, since forking this large one is slow. Killed, it is started again with the next request; shims are not its children and do not mind.
 */
export class Zygote {
  private living: ZygoteProcess | undefined;

  constructor(
    private readonly program: string,
    private readonly deadlineMs = SPAWN_DEADLINE_MS,
  ) {}

  /** Nothing while it runs. One that has ended is started again by this, as by the next request. */
  trouble(): string | undefined {
    if (this.living?.isOver === false) return undefined;
    this.ensure();
    return 'had ended, and is started again';
  }

  /** Starts it ahead of the first request. */
  warmUp(): void {
    this.ensure();
  }

  /**
   * Resolves to the pid of a shim that carries out `plan` and listens on its socket, in `taskDirectory`, already. When the zygote dies over it, once and no more. Rejects as
   * unavailable when it takes too long: then there is none, and none comes.
   */
  async spawnShim(plan: Uint8Array, taskDirectory: string): Promise<number> {
    try {
      return await this.ensure().fork(plan);
    } catch (error) {
      if (!(error instanceof ZygoteLost)) throw error;
      const shim = await orphanedShim(this.program, taskDirectory, () => this.living?.pid);
      if (shim !== undefined) return shim;
      if (error.isOverdue) throw error;
      return this.ensure().fork(plan);
    }
  }

  close(): void {
    this.living?.close();
  }

  private ensure(): ZygoteProcess {
    if (this.living === undefined || this.living.isOver) this.living = new ZygoteProcess(this.program, this.deadlineMs);
    return this.living;
  }
}
