import type { ExecConfig } from '#contracts/containers/container-state.js';
import type { TaskEvent } from '#contracts/executor/tasks.js';
import { LONGEST_TIMER_MS } from '../lifecycle/longest-timer.js';

export interface ExecRun {
  readonly container: string;
  readonly pid: number;
  readonly exitCode: number | null;
  /** Its start failed: the exit code is why. */
  readonly neverBegan?: true;
}

/** A health check, as an exec. */
export interface CheckExec {
  readonly container: string;
  readonly config: ExecConfig;
}

/** Whoever saw its stream end asks for an exec's exit code; dockerd answers for 5 to 10 minutes. A health check a second for that long, in a few containers. */
const REMEMBERED_ENDS = 2_048;

interface Frozen {
  readonly runs: readonly (readonly [exec: string, run: ExecRun])[];
  readonly ended: readonly string[];
}

type Waiters = Map<string, Set<() => void>>;

/**
 * How execs go, folded from what the executor publishes of tasks: those of containers that are there, and of the ended ones the newest. Among them are health checks, of which no
 * task's event tells, but who has them run; they end with the process.
 */
export class ExecRuns {
  private readonly runs = new Map<string, ExecRun>();
  private readonly runningIn = new Map<string, Set<string>>();
  /** Created, and nothing is known of how they went. */
  private readonly waitingIn = new Map<string, Set<string>>();
  /** In the order in which they ended. */
  private readonly over = new Set<string>();
  private readonly checks = new Map<string, CheckExec>();
  /** For its end; for the first that is told of it. */
  private readonly waiters: Waiters = new Map();
  private readonly firstWaiters: Waiters = new Map();

  constructor(
    private readonly isThere: (container: string) => boolean,
    /** Told of each exec that is forgotten. */
    private readonly onForgotten: (exec: string) => void,
  ) {}

  get(exec: string): ExecRun | undefined {
    return this.runs.get(exec);
  }

  running(container: string): string[] {
    return [...(this.runningIn.get(container) ?? [])];
  }

  /** As dockerd lists them: those that run, and those that were created and not started. */
  listed(container: string): string[] {
    return [...(this.waitingIn.get(container) ?? []), ...this.running(container)];
  }

  /** Nobody has started it, or what became of it is known already. */
  created(exec: string, container: string): void {
    if (!this.runs.has(exec) && this.isThere(container)) this.waitingIn.set(container, (this.waitingIn.get(container) ?? new Set()).add(exec));
  }

  /** Its start failed, and no task's event tells of it. */
  neverStarted(exec: string, container: string): void {
    take(this.waitingIn, exec, container);
  }

  /** A health check is about to begin. `checkOver` follows in any case. */
  checkCreated(exec: string, check: CheckExec): void {
    if (!this.isThere(check.container)) return;
    this.checks.set(exec, check);
    this.created(exec, check.container);
  }

  /** Undefined: it is no health check. */
  check(exec: string): CheckExec | undefined {
    return this.checks.get(exec);
  }

  /** `exitCode` undefined: nobody knows how it went, or it never began. Told again, or after its container's end, it changes nothing. */
  checkOver(exec: string, exitCode: number | undefined): void {
    const check = this.checks.get(exec);
    if (check === undefined || typeof this.runs.get(exec)?.exitCode === 'number') return;
    if (exitCode !== undefined) return this.end(exec, check.container, exitCode);
    take(this.runningIn, exec, check.container);
    take(this.waitingIn, exec, check.container);
    this.drop(exec);
  }

  /** Resolves when it has exited, at the latest after `deadlineMs`. Its start may not have been told yet: a short one's stream can be over before. */
  ended(exec: string, deadlineMs: number): Promise<void> {
    return typeof this.runs.get(exec)?.exitCode === 'number' ? Promise.resolve() : wait(this.waiters, exec, deadlineMs);
  }

  /** Resolves when anything is known of how it went, at the latest after `deadlineMs`. */
  told(exec: string, deadlineMs: number): Promise<void> {
    return this.runs.has(exec) ? Promise.resolve() : wait(this.firstWaiters, exec, deadlineMs);
  }

  /** It was answered for, and runs; or has been told of already. */
  begun(exec: string, container: string, pid: number): void {
    if (this.isThere(container) && !this.runs.has(exec)) this.begin(exec, container, pid);
  }

  see(event: TaskEvent): void {
    if (!this.isThere(event.container)) return;
    switch (event.type) {
      case 'ExecStarted':
        this.begin(event.exec, event.container, event.pid);
        return;
      case 'ExecExited':
        this.end(event.exec, event.container, event.exitCode, this.runs.has(event.exec) ? {} : { neverBegan: true });
        return;
      case 'TaskExited':
        // With the container's init, everything in its PID namespace was killed.
        for (const exec of this.running(event.container)) this.end(exec, event.container, 137);
        // As dockerd's clean-up has it: what was made for this run is not for another.
        for (const exec of this.waitingIn.get(event.container) ?? []) this.drop(exec);
        this.waitingIn.delete(event.container);
    }
  }

  /** The container is gone, and its execs with it. */
  forget(container: string): void {
    for (const [exec, run] of this.runs) if (run.container === container) this.drop(exec);
    for (const [exec, check] of this.checks) if (check.container === container) this.drop(exec);
    this.runningIn.delete(container);
    this.waitingIn.delete(container);
  }

  /** What a snapshot keeps: no health check, of whose end the log would not tell. */
  freeze(): unknown {
    return { runs: [...this.runs].filter(([exec]) => !this.checks.has(exec)), ended: [...this.over].filter((exec) => !this.checks.has(exec)) } satisfies Frozen;
  }

  thaw(frozen: unknown): void {
    const { runs, ended } = frozen as Frozen; // what `freeze` gave
    for (const [exec, run] of runs) {
      if (run.exitCode === null) this.begin(exec, run.container, run.pid);
      else this.runs.set(exec, run);
    }
    for (const exec of ended) this.over.add(exec);
  }

  private begin(exec: string, container: string, pid: number): void {
    this.runs.set(exec, { container, pid, exitCode: null });
    take(this.waitingIn, exec, container);
    this.runningIn.set(container, (this.runningIn.get(container) ?? new Set()).add(exec));
    finishAll(this.firstWaiters, exec);
  }

  private end(exec: string, container: string, exitCode: number, more: Pick<ExecRun, 'neverBegan'> = {}): void {
    this.runs.set(exec, { container, pid: 0, exitCode, ...more });
    take(this.runningIn, exec, container);
    take(this.waitingIn, exec, container);
    this.over.add(exec);
    this.finishWaits(exec);
    const [oldest] = this.over;
    if (oldest !== undefined && this.over.size > REMEMBERED_ENDS) this.drop(oldest);
  }

  private drop(exec: string): void {
    this.runs.delete(exec);
    this.over.delete(exec);
    this.checks.delete(exec);
    this.finishWaits(exec); // nothing more will be told of it
    this.onForgotten(exec);
  }

  private finishWaits(exec: string): void {
    finishAll(this.firstWaiters, exec);
    finishAll(this.waiters, exec);
  }
}

function take(from: Map<string, Set<string>>, exec: string, container: string): void {
  const execs = from.get(container);
  execs?.delete(exec);
  if (execs?.size === 0) from.delete(container);
}

function wait(all: Waiters, exec: string, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const waiters = all.get(exec) ?? new Set();
    all.set(exec, waiters);
    const finish = (): void => {
      clearTimeout(timer);
      waiters.delete(finish);
      if (waiters.size === 0) all.delete(exec);
      resolve();
    };
    const timer = setTimeout(finish, Math.min(deadlineMs, LONGEST_TIMER_MS));
    waiters.add(finish);
  });
}

function finishAll(waiters: Waiters, exec: string): void {
  for (const finish of [...(waiters.get(exec) ?? [])]) finish();
}
