import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '#libs/errors/errors.js';
import { isRunning, type ProcessIdentity, processOf, removeFile, runningProcess } from './process-file.js';
import { ServiceLog } from './service-log.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** For one that came up each time: it is well, and somebody kills it. */
const LONGEST_PAUSE_OF_READY_MS = 400;
/** Having run this long, a service is taken to be well again. */
const STEADY_MS = 10_000;
const LOG_LOOK_MS = 60_000;
const POLL_MS = 200;

export interface ServiceSpec {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly logFile: string;
  readonly pidFile: string;
  readonly readyFile: string;
  /** A descriptor of the supervisor's that the service has as its own 3. */
  readonly passed?: number;
  /** From SIGTERM to SIGKILL. */
  readonly stopTimeoutMs: number;
}

/**
 * One process that is kept alive. It is nobody's captive: it has a session of its own and writes its log itself, so it outlives the
 * supervisor, and the next supervisor finds it by its pid file and adopts it.
 */
export class Service {
  private stopping = false;
  private child: ChildProcess | undefined;
  private readonly aborted = new AbortController();
  private readonly log: ServiceLog;

  constructor(
    readonly spec: ServiceSpec,
    private readonly tell: (line: string) => void,
  ) {
    this.log = new ServiceLog(spec.logFile, tell);
  }

  /** Returns after `stop`. */
  async keepAlive(): Promise<void> {
    const looking = setInterval(() => void this.log.cut(), LOG_LOOK_MS);
    this.aborted.signal.addEventListener('abort', () => clearInterval(looking));
    let pause = FIRST_PAUSE_MS;
    while (!this.stopping) {
      const since = performance.now();
      const adopted = runningProcess(this.spec.pidFile);
      const how = adopted ? await this.watch(adopted) : await this.run();
      if (this.stopping) return;
      if (performance.now() - since > STEADY_MS) pause = FIRST_PAUSE_MS;
      this.tell(`${this.spec.name} ${how}; starting it again in ${pause} ms`);
      await this.pause(pause);
      pause = Math.min(pause * 2, existsSync(this.spec.readyFile) ? LONGEST_PAUSE_OF_READY_MS : LONGEST_PAUSE_MS);
    }
  }

  /** SIGTERM, then SIGKILL after the spec's timeout; resolves when it is gone. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.aborted.abort();
    // A child that was started just now has not written its pid yet.
    const process = this.child?.pid === undefined ? runningProcess(this.spec.pidFile) : processOf(this.child.pid);
    if (process) await endProcess(process, this.spec.stopTimeoutMs);
    removeFile(this.spec.pidFile);
    removeReadyFile(this.spec.readyFile);
  }

  isReady(): boolean {
    return existsSync(this.spec.readyFile) && runningProcess(this.spec.pidFile) !== undefined;
  }

  /** SIGHUP, once it is ready for one. */
  hangUp(): void {
    const process = existsSync(this.spec.readyFile) ? runningProcess(this.spec.pidFile) : undefined;
    if (process) signalIfThere(process, 'SIGHUP');
  }

  private async run(): Promise<string> {
    removeReadyFile(this.spec.readyFile);
    void this.log.cut();
    let log: number;
    try {
      log = openLog(this.spec.logFile);
    } catch (error) {
      return notStarted(error);
    }
    try {
      // The shell writes the pid file before it becomes the service: should the supervisor die right now, its successor still finds the child.
      const child = spawn('/bin/sh', ['-c', WRITE_PID_THEN_EXEC, this.spec.pidFile, ...this.spec.command], {
        detached: true,
        cwd: this.spec.directory,
        env: { ...this.spec.environment },
        stdio: ['ignore', log, log, ...(this.spec.passed === undefined ? [] : [this.spec.passed])],
      });
      this.child = child;
      this.tell(`${this.spec.name} started as ${child.pid ?? 'nothing'}`);
      return await ended(child);
    } finally {
      this.child = undefined;
      closeSync(log);
    }
  }

  private async watch(process: ProcessIdentity): Promise<string> {
    this.tell(`${this.spec.name} runs already as ${process.pid}: adopted`);
    while (!this.stopping && isRunning(process)) await this.pause(POLL_MS);
    return 'ended';
  }

  private async pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.aborted.signal }).catch(() => undefined);
  }
}

/** Its folder is made anew where somebody has cleared it away. */
function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, 'a', 0o640);
}

const notStarted = (error: unknown): string => `could not be started (${errorMessage(error)})`;

const WRITE_PID_THEN_EXEC = 'read -r stat < /proc/$$/stat && echo "$stat" > "$0.new" && mv "$0.new" "$0" && exec "$@"';

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(notStarted(error)));
    child.once('exit', (code, signal) => resolve(signal ? `was killed by ${signal}` : `exited with ${code}`));
  });
}

/** SIGTERM, then SIGKILL after the timeout; resolves when it is gone. */
export async function endProcess(process_: ProcessIdentity, timeoutMs: number): Promise<void> {
  signalIfThere(process_, 'SIGTERM');
  const deadline = performance.now() + timeoutMs;
  while (isRunning(process_)) {
    if (performance.now() > deadline) signalIfThere(process_, 'SIGKILL');
    await sleep(20);
  }
}

function signalIfThere(process_: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isRunning(process_)) return;
  try {
    process.kill(process_.pid, signal);
  } catch {
    // It ended between the two lines.
  }
}

/** It lies in a folder of the service's own: one that makes something else of it, as a folder, is believed, and ends no supervisor. */
function removeReadyFile(path: string): void {
  try {
    removeFile(path);
  } catch {
    // Nothing of root's is there.
  }
}
