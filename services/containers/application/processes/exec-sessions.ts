import { randomBytes } from 'node:crypto';
import type { CreateExec, ResizeExec, StartExec } from '#contracts/containers/commands.js';
import type { GetExec } from '#contracts/containers/queries.js';
import type { ExecConfig, ExecView } from '#contracts/containers/container-state.js';
import { CheckTaskUser, LaunchExec, OpenTaskStreams, ResizeTask, SignalExec } from '#contracts/executor/tasks.js';
import type { Done, RequestContext, StreamEndpoint } from '#contracts/request.js';
import { type BerthError, conflict, errorMessage, internal, invalid, notFound, unclassified } from '#libs/errors/errors.js';
import type { Bus, RequestOptions } from '#libs/messaging/bus.js';
import { keyedId } from '#libs/messaging/keyed-id.js';
import { detachKeys } from '#libs/patterns/detach-keys.js';
import type { Exec } from '../../domain/exec/exec-decider.js';
import { execLaunch, securityOf } from '../../domain/exec/exec-launch.js';
import { isByName } from '../../domain/exec/exec-user.js';
import { linkFacts } from '../../domain/network/links.js';
import type { PresentContainer } from '../../domain/container/container-state.js';
import type { ContainerDirectory, Execs } from '../names/container-directory.js';
import type { ContainerStarts } from '../lifecycle/container-starts.js';
import type { ExecRuns } from './exec-runs.js';

const REMEMBERED_STARTS = 1_024;
/** What the executor put on record before it answered is known here by then. */
const RECORD_SEEN_MS = 1_000;
/** dockerd's, of an exec that could not be executed, where no better is known. */
const CANNOT_EXECUTE = 126;

/** dockerd's patience with who resizes an exec beside its start. */
const READY_MS = 10_000;
/** kill(2): only asks. */
const NO_SIGNAL = 0;
/** How long an executor may be away under an exec that ends. */
const AWAY_MS = 20_000;
/** One that is there answers sooner. */
const AT_ONCE_MS = 100;
/** For what shims tell an executor that has come back. */
const TOLD_AGAIN_MS = 2_000;

/** A launch may be asked for twice: it is done once. */
export const LAUNCH_PATIENCE: RequestOptions = { timeoutMs: 35_000, askAgainMs: 500 };
/** Where an exec's streams are opened. */
export const taskSocket = (runRoot: string, { container, start }: { readonly container: string; readonly start: number }): string => `${runRoot}/tasks/${container}-${start}/shim.sock`;

interface StartedExec {
  readonly endpoint?: StreamEndpoint;
  readonly terminal: boolean;
}

/** Further commands in running containers. */
export class ExecSessions {
  /** Starts under way, of which `runs` knows nothing yet. */
  private readonly starts = new Map<string, { readonly key: string | undefined; readonly started: Promise<StartedExec> }>();
  /** The keys of starts that came to be, of the newest execs: a start is on no log with its key, which would cost each exec an append. */
  private readonly startedBy = new Map<string, string>();

  constructor(
    private readonly execs: Execs,
    private readonly runs: ExecRuns,
    private readonly directory: ContainerDirectory,
    private readonly containerStarts: Pick<ContainerStarts, 'settled'>,
    private readonly bus: Bus,
    private readonly runRoot: string,
  ) {}

  async create({ container: reference, ...config }: CreateExec, asked: RequestContext): Promise<{ id: string }> {
    const holder = await this.running(reference);
    const { spec, run } = holder;
    linkFacts(holder, this.directory.linksOf(holder)); // throws, as dockerd does, where one leads to nobody who runs
    const { user, detachKeys: keys } = config;
    if (detachKeys(keys) === undefined) throw unclassified(`Invalid escape keys (${keys}) provided`);
    if (isByName(user)) await this.bus.request(CheckTaskUser, { container: spec.id, start: run.start, user, security: securityOf(spec.hostConfig) }, asked);
    const exec = keyedId('exec', asked.idempotencyKey);
    await this.execs.execute(exec, { type: 'Create', exec, container: spec.id, config: { ...config }, at: new Date().toISOString() }, asked);
    return { id: exec };
  }

  /** From now on `ExecRuns` knows which were created; it knows by then how those went that were started. */
  listenForCreated(): void {
    this.execs.onCommit((id, { events }, state, live) => {
      if (!live || state.status === 'absent') return;
      for (const { type } of events) {
        if (type === 'ExecCreated') this.runs.created(id, state.container);
        else this.runs.neverStarted(id, state.container);
      }
    });
    for (const [id, exec] of this.execs.entries()) {
      if (exec.status === 'absent' || exec.failure !== undefined) continue;
      const run = this.directory.get(exec.container)?.run;
      // The run that it was made for is over, and had it been started, that would be known.
      const isLate = run === undefined || run.over || Date.parse(run.startedAt) > Date.parse(exec.at);
      if (!isLate) this.runs.created(id, exec.container);
      else if (this.runs.get(id) === undefined) this.execs.forget(id);
    }
  }

  /** Signals an exec's own process, if it runs. */
  async signal(exec: string, signal: number, asked: RequestContext, options?: RequestOptions): Promise<void> {
    const run = this.runs.get(exec);
    const container = run && this.directory.get(run.container);
    if (container && run.exitCode === null) await this.bus.request(SignalExec, { container: run.container, start: container.run.start, exec, signal }, asked, options);
  }

  /** Health checks that an older engine put on the log, and that go on without it. */
  runningProbes(container: string): string[] {
    return this.runs.running(container).filter((id) => {
      const { state } = this.execs.get(id);
      return state.status === 'present' && state.config.probe === true;
    });
  }

  /** Once, as with dockerd: the same request is answered alike, any other is refused. */
  async start(wish: Pick<StartExec, 'exec' | 'detach' | 'consoleSize'>, asked: RequestContext): Promise<StartedExec> {
    const { exec } = wish;
    const { idempotencyKey: key } = asked;
    if (asked.dryRun) return this.tried(wish);
    const underWay = this.starts.get(exec);
    if (underWay !== undefined && key !== undefined && underWay.key === key) return underWay.started;
    if (underWay !== undefined) throw alreadyRunning(exec);
    if (key !== undefined && this.startedBy.get(exec) === key) return this.startedBefore(wish, asked);
    const started = this.startNow(wish, asked).finally(() => this.starts.delete(exec));
    this.starts.set(exec, { key, started });
    return started;
  }

  /** What a dry run can tell: that nothing is in its way. The events of an exec are what comes of it. */
  private async tried({ exec }: Pick<StartExec, 'exec'>): Promise<StartedExec> {
    const { container, config } = this.startable(exec);
    await this.running(container);
    return { terminal: config.terminal };
  }

  private async startNow({ exec: id, detach, consoleSize }: Pick<StartExec, 'exec' | 'detach' | 'consoleSize'>, asked: RequestContext): Promise<StartedExec> {
    const { container, config } = this.startable(id);
    const holder = await this.running(container);
    const ticket = randomBytes(16).toString('hex');
    const tickets = detach ? [] : [{ ticket, stdin: config.attachStdin, stdout: config.attachStdout, stderr: config.attachStderr }];
    const launch = execLaunch(holder, this.directory.linksOf(holder), config, { exec: id, tickets, consoleSize });
    const launched = this.bus.request(LaunchExec, launch, asked, LAUNCH_PATIENCE);
    const answer = await launched.catch((error: unknown) => this.unlessItRuns(id, error, asked));
    if (answer !== undefined) this.runs.begun(id, container, answer.pid);
    this.startedWith(id, asked.idempotencyKey);
    return { terminal: config.terminal, ...(detach ? {} : { endpoint: { path: taskSocket(this.runRoot, launch), ticket } }) };
  }

  private startable(id: string): { readonly container: string; readonly config: ExecConfig } {
    const known = this.find(id);
    const { running: isRunning, exitCode } = this.view(id);
    // A health check begins without a client.
    if (isRunning || (exitCode === null && this.runs.check(id))) throw alreadyRunning(id);
    if (exitCode !== null) throw alreadyRun(id);
    return known;
  }

  /** What the same request came to before. Of a stream, what was printed meanwhile went to who asked first, and of one that is over nothing is left. */
  private async startedBefore({ exec, detach }: Pick<StartExec, 'exec' | 'detach'>, asked: RequestContext): Promise<StartedExec> {
    const { container, config } = this.find(exec);
    const { terminal, attachStdin: stdin, attachStdout: stdout, attachStderr: stderr } = config;
    if (detach) return { terminal };
    const { running: isRunning, exitCode } = this.view(exec);
    if (!isRunning) throw conflict(`${alreadyRun(exec).message}, started by this very request: it has ended${exitCode === null ? '' : ` with ${exitCode}`}, and what it printed went to who asked first`);
    const { run } = this.directory.find(container);
    return { terminal, endpoint: await this.bus.request(OpenTaskStreams, { container, start: run.start, exec, stdin, stdout, stderr }, asked) };
  }

  private startedWith(exec: string, key: string | undefined): void {
    if (key === undefined) return;
    this.startedBy.set(exec, key);
    const [oldest] = this.startedBy.keys();
    if (oldest !== undefined && this.startedBy.size > REMEMBERED_STARTS) this.startedBy.delete(oldest);
  }

  async resize({ exec, rows, columns }: ResizeExec, asked: RequestContext): Promise<Done> {
    const { container, failure } = this.find(exec);
    if (asked.dryRun) return { position: 0 };
    if (failure === undefined) await this.runs.told(exec, READY_MS);
    const { run } = this.directory.find(container);
    const known = this.runs.get(exec);
    if (failure !== undefined || known?.neverBegan === true) throw invalid('exec process is not started');
    if (known === undefined) throw internal('timeout waiting for exec session ready');
    if (known.exitCode !== null) throw notFound('no such exec');
    return this.bus.request(ResizeTask, { container, start: run.start, exec, rows, columns }, asked);
  }

  async settledView({ exec, settleMs = 0, toStart = false }: GetExec, asked: RequestContext): Promise<ExecView> {
    if (toStart) await this.running(this.find(exec).container);
    if (settleMs > 0) await this.settled(exec, settleMs, asked);
    return this.view(exec);
  }

  /** Resolves when it has ended, at the latest after `deadlineMs`. An executor that is away then is waited for, and what it tells when it is back: until then it can tell of no end. */
  private async settled(exec: string, deadlineMs: number, asked: RequestContext): Promise<void> {
    await this.runs.ended(exec, deadlineMs);
    const asking = performance.now();
    await this.signal(exec, NO_SIGNAL, asked, { timeoutMs: AWAY_MS, askAgainMs: Infinity }).catch(() => undefined);
    if (performance.now() - asking > AT_ONCE_MS) await this.runs.ended(exec, TOLD_AGAIN_MS);
  }

  /** A container is gone: its execs leave memory. */
  forget(container: string): void {
    this.runs.forget(container);
    // Those that were never started.
    for (const [id, exec] of this.execs.entries()) if (exec.status === 'present' && exec.container === container) this.execs.forget(id);
  }

  /**
   * How it went is known when this is over: clients ask for the exit code as soon as they are told that there is no stream. Rejects with `error`, unless the task's own events,
   * which are nearer to the truth than a reply that was lost, say that it runs.
   */
  private async unlessItRuns(exec: string, error: unknown, asked: RequestContext): Promise<void> {
    await this.runs.told(exec, RECORD_SEEN_MS);
    const run = this.runs.get(exec);
    if (run?.exitCode === null) return;
    if (run === undefined) await this.recordFailed(exec, error, asked);
    throw error;
  }

  /** Nothing where its container is over, and it with that. */
  private async recordFailed(exec: string, error: unknown, asked: RequestContext): Promise<void> {
    const { state }: { state: Exec } = this.execs.get(exec);
    if (state.status === 'absent') return;
    await this.execs.execute(exec, { type: 'RecordStartFailed', exec, container: state.container, error: errorMessage(error), exitCode: CANNOT_EXECUTE, at: new Date().toISOString() }, asked);
  }

  private view(id: string): ExecView {
    const { container, config, failure } = this.find(id);
    const run = this.runs.get(id);
    if (run === undefined) return { id, container, config, running: false, exitCode: failure ?? null, pid: 0 };
    return { id, container, config, running: run.exitCode === null, exitCode: run.exitCode, pid: run.pid };
  }

  private find(id: string): { readonly container: string; readonly config: ExecConfig; readonly failure?: number } {
    const { state }: { state: Exec } = this.execs.get(id);
    const known = state.status === 'absent' ? this.runs.check(id) : state;
    if (known === undefined || !this.directory.get(known.container)) throw notFound(`No such exec instance: ${id}`);
    return known;
  }

  /** Throws conflict, in dockerd's words, for a container that does not run. */
  async running(reference: string): Promise<PresentContainer> {
    await this.containerStarts.settled(this.directory.find(reference).spec.id);
    const container = this.directory.find(reference);
    if (container.status === 'paused' || container.run.changing === 'pausing') throw conflict(`Container ${reference} is paused, unpause the container before exec`);
    if (container.status === 'restarting') throw conflict(`Container ${container.spec.id} is restarting, wait until the container is running`);
    if (container.status !== 'running') throw conflict(`container ${container.spec.id} is not running`);
    return container;
  }
}

const alreadyRun = (exec: string): BerthError => conflict(`exec command ${exec} has already run`);
const alreadyRunning = (exec: string): BerthError => conflict(`exec command ${exec} is already running`);
