import type { TaskEvent } from '#contracts/executor/tasks.js';

export interface ExecRun {
  readonly container: string;
  readonly pid: number;
  readonly exitCode: number | null;
}

/** How execs go, folded from what the executor publishes of tasks. */
export class ExecRuns {
  private readonly runs = new Map<string, ExecRun>();
  private readonly waiters = new Map<string, Set<() => void>>();

  get(exec: string): ExecRun | undefined {
    return this.runs.get(exec);
  }

  running(container: string): string[] {
    return Array.from(this.runs).flatMap(([exec, run]) => (run.container === container && run.exitCode === null ? [exec] : []));
  }

  /** Resolves when it has exited, at the latest after `deadlineMs`. */
  settled(exec: string, deadlineMs: number): Promise<void> {
    if (this.runs.get(exec)?.exitCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const waiters = this.waiters.get(exec) ?? new Set();
      this.waiters.set(exec, waiters);
      const finish = (): void => {
        clearTimeout(timer);
        waiters.delete(finish);
        if (waiters.size === 0) this.waiters.delete(exec);
        resolve();
      };
      const timer = setTimeout(finish, deadlineMs);
      waiters.add(finish);
    });
  }

  see(event: TaskEvent): void {
    switch (event.type) {
      case 'ExecStarted':
        this.runs.set(event.exec, { container: event.container, pid: event.pid, exitCode: null });
        return;
      case 'ExecExited':
        this.runs.set(event.exec, { container: event.container, pid: 0, exitCode: event.exitCode });
        for (const finish of [...(this.waiters.get(event.exec) ?? [])]) finish();
        return;
      case 'TaskExited':
        // With the container's init, everything in its PID namespace was killed.
        for (const [exec, run] of this.runs) if (run.container === event.container && run.exitCode === null) this.runs.set(exec, { ...run, pid: 0, exitCode: 137 });
    }
  }

  forget(container: string): void {
    for (const [exec, run] of this.runs) if (run.container === container) this.runs.delete(exec);
  }
}
