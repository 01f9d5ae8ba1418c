import type { HealthCheckEnd } from '#contracts/executor/tasks.js';
import { type BerthError, conflict, notFound } from '#libs/errors/errors.js';

interface Check {
  /** 0: it could not be executed. */
  readonly pid: number;
  readonly startedAt: string | undefined;
  isOver: boolean;
  readonly end: PromiseWithResolvers<HealthCheckEnd>;
}

/**
 * Health checks of one task. The log does not have them, so what is known of them is here, and in the shim until it has told their end: an executor that finds one which its
 * predecessor began has it for whoever comes back to ask how it ended. Kept until the next one begins.
 */
export class TaskChecks {
  private readonly checks = new Map<string, Check>();

  constructor(private readonly container: string) {}

  /** Undefined: it is not known. */
  pidOf(exec: string): number | undefined {
    return this.checks.get(exec)?.pid;
  }

  /** Told again by a shim that is connected again, it changes nothing. */
  started(exec: string, pid: number, startedAt: string): void {
    if (!this.checks.has(exec)) this.add(exec, pid, startedAt);
  }

  exited(exec: string, exitCode: number, endedAt: string): void {
    const check = this.checks.get(exec);
    if (check === undefined) return;
    check.isOver = true;
    check.end.resolve({ ...(check.startedAt === undefined ? {} : { startedAt: check.startedAt }), endedAt, exitCode });
  }

  /** It could not be executed. */
  failed(exec: string, exitCode: number, at: string): void {
    if (!this.checks.has(exec)) this.add(exec, 0, undefined);
    this.exited(exec, exitCode, at);
  }

  /** Resolves when it has ended. Rejects as not-found for one that is not known, as conflict when the task ends before. */
  async ended(exec: string): Promise<HealthCheckEnd> {
    const check = this.checks.get(exec);
    if (check === undefined) throw notFound(`No such exec instance: ${exec}`);
    return await check.end.promise;
  }

  /** Another one begins. Returns those that run yet: nobody will ask for their end. */
  leave(): string[] {
    const running = [...this.checks].flatMap(([exec, { isOver }]) => (isOver ? [] : [exec]));
    for (const exec of running) this.giveUp(exec, notFound(`exec ${exec} was followed by another health check`));
    this.checks.clear();
    return running;
  }

  /** The task has ended, and whatever ran in it. */
  over(): void {
    for (const exec of this.checks.keys()) this.giveUp(exec, conflict(`container ${this.container} is not running`));
  }

  private add(exec: string, pid: number, startedAt: string | undefined): void {
    const end = Promise.withResolvers<HealthCheckEnd>();
    end.promise.catch(() => undefined); // perhaps nobody asks
    this.checks.set(exec, { pid, startedAt, isOver: false, end });
  }

  private giveUp(exec: string, why: BerthError): void {
    this.checks.get(exec)?.end.reject(why);
  }
}
