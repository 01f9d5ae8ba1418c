import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestEngine } from '../engine/engine.js';
import { until } from './settled.js';

export type Killed = 'engine' | 'executor';

/** Arms the failpoints of running services, see libs/failpoint/failpoint-orders.ts. The directory must be the engine's BERTH_FAILPOINT_ORDERS. */
export class Failpoints {
  constructor(readonly directory: string) {
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o777); // the engine is nobody special, and the umask cuts mkdir's mode
  }

  /** Resolves to the pid once the service stands to crash at the `nth` failpoint it meets from now on. */
  async arm(engine: TestEngine, service: Killed, nth: number): Promise<number> {
    const pid = engine.pid(service);
    if (pid === undefined) throw new Error(`${service} does not run`);
    await this.order(engine, service, pid, `*@${nth}=crash`);
    return pid;
  }

  /** It does not crash any more from now on; it may have until then, in what goes on beside an answer. */
  async disarm(engine: TestEngine, service: Killed, pid: number): Promise<void> {
    if (engine.pid(service) === pid) await this.order(engine, service, pid, 'record');
  }

  /** What libs/failpoint/failpoint.ts takes; hits are counted from now on. */
  async order(engine: TestEngine, service: Killed, pid: number, order: string): Promise<void> {
    rmSync(this.path(pid, 'armed'), { force: true });
    writeFileSync(this.path(pid, 'arm'), order);
    try {
      process.kill(pid, 'SIGUSR2');
    } catch {
      return; // it crashed between two lines
    }
    await until(`${service} is armed`, () => existsSync(this.path(pid, 'armed')) || engine.pid(service) !== pid);
  }

  /** What was met between the last two armings of a process, as JSON. */
  met(pid: number): string {
    return readFileSync(this.path(pid, 'armed'), 'utf8');
  }

  /** Where the process crashed; undefined: it did not. */
  crashedAt(pid: number): string | undefined {
    return existsSync(this.path(pid, 'crashed')) ? readFileSync(this.path(pid, 'crashed'), 'utf8') : undefined;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  private path(pid: number, kind: string): string {
    return join(this.directory, `${pid}.${kind}`);
  }
}
