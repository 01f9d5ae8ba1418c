import { randomBytes } from 'node:crypto';
import type { ExecConfig } from '#contracts/containers/container-state.js';
import { AwaitHealthCheck, type HealthCheckEnd, LaunchExec } from '#contracts/executor/tasks.js';
import type { RequestContext, StreamEndpoint } from '#contracts/request.js';
import { SIGKILL } from '#libs/linux/signals.js';
import type { Bus } from '#libs/messaging/bus.js';
import { keyedId } from '#libs/messaging/keyed-id.js';
import { execLaunch } from '../../domain/exec/exec-launch.js';
import { LONGEST_TIMER_MS } from '../lifecycle/longest-timer.js';
import type { ContainerDirectory } from '../names/container-directory.js';
import type { ExecRuns } from '../processes/exec-runs.js';
import { type ExecSessions, LAUNCH_PATIENCE, taskSocket } from '../processes/exec-sessions.js';

/** A health check's command. */
export interface CheckRun {
  readonly exec: string;
  readonly container: string;
  readonly start: number;
  readonly output: StreamEndpoint;
}

const CONFIG: Omit<ExecConfig, 'args'> = { env: [], user: '', workingDir: '', terminal: false, attachStdin: false, attachStdout: true, attachStderr: true, privileged: false, detachKeys: '' };

/**
 * Health checks as execs: whoever looks at the container's finds them among the others while they run. The log hears of one when it is over, in the commit that tells what it came
 * to: that it is done, and how often, is the container's wish, which is there already. One that is under way when its engine dies has never been; the next one ends it.
 */
export class CheckExecs {
  constructor(
    private readonly sessions: ExecSessions,
    private readonly runs: ExecRuns,
    private readonly directory: ContainerDirectory,
    private readonly bus: Bus,
    private readonly runRoot: string,
  ) {}

  newId(): string {
    return keyedId('exec', undefined);
  }

  /** Resolves when it runs. `over` follows in any case. */
  async begin(exec: string, container: string, args: readonly string[], asked: RequestContext): Promise<CheckRun> {
    const config = { ...CONFIG, args };
    this.runs.checkCreated(exec, { container, config });
    const holder = await this.sessions.running(container);
    const ticket = randomBytes(16).toString('hex');
    const launch = execLaunch(holder, this.directory.linksOf(holder), config, { exec, tickets: [{ ticket, stdin: false, stdout: true, stderr: true }] });
    const { pid } = await this.bus.request(LaunchExec, { ...launch, check: true }, asked, LAUNCH_PATIENCE);
    this.runs.begun(exec, container, pid);
    return { exec, container, start: launch.start, output: { path: taskSocket(this.runRoot, launch), ticket } };
  }

  /** Of one that ran, or could not be executed. An executor that is away is waited for until the deadline. */
  async end({ container, start, exec }: Pick<CheckRun, 'container' | 'start' | 'exec'>, deadlineMs: number, asked: RequestContext): Promise<HealthCheckEnd> {
    const end = await this.bus.request(AwaitHealthCheck, { container, start, exec }, asked, { timeoutMs: Math.min(deadlineMs, LONGEST_TIMER_MS) });
    this.runs.checkOver(exec, end.exitCode);
    return end;
  }

  kill(exec: string, asked: RequestContext): Promise<void> {
    return this.sessions.signal(exec, SIGKILL, asked);
  }

  /** Those that an older engine put on the log, and that go on without it. */
  async endForgotten(container: string, asked: RequestContext): Promise<void> {
    for (const exec of this.sessions.runningProbes(container)) await this.kill(exec, asked);
  }

  /** Nobody follows it any more. */
  over(exec: string): void {
    this.runs.checkOver(exec, undefined);
  }
}
