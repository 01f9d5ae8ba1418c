import { setTimeout as delay } from 'node:timers/promises';
import type { StartTimes } from '#contracts/executor/tasks.js';
import type { RequestContext } from '#contracts/request.js';
import { type BerthError, unavailable } from '#libs/errors/errors.js';
import { failpoint } from '#libs/failpoint/failpoint.js';
import type { LogFields } from '#libs/telemetry/log-record.js';
import type { CgroupParents } from '../../adapters/host/cgroup-parents.js';
import { endShim } from '../../adapters/shim/end-shim.js';
import { ShimConnection, ShimGone } from '../../adapters/shim/shim-connection.js';
import { ACK_EXIT, checkOf, frame, type ShimEvent, SIGNAL, SIGNAL_EXEC } from '../../adapters/shim/shim-frames.js';
import type { LogCompression } from '../logs/log-compression.js';
import type { LoggerMetrics } from '../logs/logger-metrics.js';
import type { Tasks } from '../launch/task-launcher.js';
import type { PortPublisher } from '../networks/port-publisher.js';
import { AwaitedOutcomes, type Outcome } from './awaited-outcomes.js';
import { KnownStarts } from './known-starts.js';
import { type LiveTask, type Started, taskId } from './live-task.js';
import { ofItself, type TaskCauses } from './task-causes.js';
import type { LostKeepers } from './lost-keepers.js';
import type { OomWatch } from './oom-watch.js';
import { readExitRecord, removeDirectory, type TaskExit } from './task-directory.js';

/** How long a killed task may take to be gone. */
const END_DEADLINE_MS = 10_000;
/** How long the first process of a killed one may take before all others are killed: they would end with it, and it may wait for one of them. */
const ALONE_MS = 2_000;
/** How long all of them may take: nothing but the wait for a file system keeps them then, which may be their own. */
const STUCK_MS = 4_000;
/** A shim that lives and takes no connection, or closes it at once, is stopped, or has too many: it is asked again. */
const RECONNECT_MS = 1_000;
const RECORD_AGAIN_MS = 500;
/** Nobody waits for an exec's start to be on record: a short one is over within this, and start and end become one commit. */
const EXEC_LINGER_MS = 2;
const SIGKILL = 9;

/** The shims this executor is connected to, and what they tell: their exits become events, in order, once. */
export class LiveTasks {
  private readonly tasks = new Map<string, LiveTask>();
  private readonly starts = new KnownStarts();
  private readonly outcomes = new AwaitedOutcomes();
  /** What shims have told and is not done yet. */
  private readonly underWay = new Set<Promise<void>>();
  /** Those that are being connected to again: a connection that is lost meanwhile is part of that. */
  private readonly recovering = new Set<LiveTask>();
  /** By task, those that were told to end. */
  private readonly endings = new Map<string, Promise<void>>();
  /** Exits that came before their start was recorded. */
  private readonly early = new Map<LiveTask, Extract<ShimEvent, { type: 'exited' }>[]>();

  constructor(
    private readonly log: Tasks,
    private readonly causes: TaskCauses,
    private readonly ports: PortPublisher,
    private readonly keepers: LostKeepers,
    private readonly parents: CgroupParents,
    private readonly logs: LoggerMetrics,
    private readonly compression: LogCompression,
    private readonly ooms: OomWatch,
    private readonly onError: (error: unknown, about: LogFields) => void,
  ) {}

  get(id: string): LiveTask | undefined {
    return this.tasks.get(id);
  }

  byContainer(container: string): LiveTask | undefined {
    for (const task of this.tasks.values()) if (task.identity.container === container && task.pid !== 0) return task;
    return undefined;
  }

  all(): Iterable<LiveTask> {
    return this.tasks.values();
  }

  /**
   * What `start` does is the start of this task, and what its shim tells meanwhile waits for it. Who asks for the same until the log tells how it went is to get its answer (`startOf`):
   * it may be over, and yet be recorded or undone for a while.
   */
  begin(task: LiveTask, start: () => Promise<Started>): Promise<Started> {
    this.tasks.set(taskId(task.identity), task);
    this.early.set(task, []);
    const begun = start().finally(() => (task.start = undefined));
    task.start = begun;
    this.starts.add(task, begun);
    return begun;
  }

  startOf(id: string): Promise<Started> | undefined {
    return this.starts.of(id);
  }

  /** One whose start is on record already. */
  adopted(task: LiveTask): void {
    task.isAdopted = true;
    this.tasks.set(taskId(task.identity), task);
  }

  /** Its start is on record: what it told meanwhile can follow. */
  started(task: LiveTask): void {
    const exits = this.early.get(task) ?? [];
    this.early.delete(task);
    for (const exit of exits) this.exited(task, exit);
    // Its shim was lost meanwhile: nobody else has looked what became of it.
    if (task.connection === undefined && !task.hasExited) this.carryOn(task, this.recover(task));
    else this.ooms.begin(task);
  }

  /** Puts its start on record, and then what it told meanwhile, however long the log is away. */
  recordStart(task: LiveTask, { pid, at, took }: { readonly pid: number; readonly at: string; readonly took?: StartTimes }, asked: RequestContext): void {
    task.recorded = this.record(task, () => this.log.execute(taskId(task.identity), { type: 'RecordStarted', ...task.identity, pid, ...(took ? { took } : {}), at }, asked));
    this.carryOn(task, task.recorded.then(() => this.started(task)));
  }

  /** It is over already, and its directory is one that nobody's shim is in. */
  async leave(task: LiveTask): Promise<void> {
    this.early.delete(task);
    this.tasks.delete(taskId(task.identity));
    task.hasExited = true;
    task.emit('exited');
    task.left();
    this.leaveParent(task);
    await removeDirectory(task);
  }

  /** It never came to be: nothing of it may live on, neither the shim nor what it may have made by now. */
  async dismiss(task: LiveTask): Promise<void> {
    this.early.delete(task);
    this.tasks.delete(taskId(task.identity));
    task.hasExited = true;
    task.emit('exited');
    task.left();
    await endShim(task.directory, task.connection?.shimPid);
    task.connection?.close();
    await this.endKept(task);
    this.leaveParent(task);
    await removeDirectory(task);
  }

  /** Resolves to the first thing the shim tells of `target` ('' is the container's own command). */
  outcomeOf(task: LiveTask, target = ''): Promise<Outcome> {
    // What is told as failed must not run later, such as when a container is thawed.
    return this.outcomes.of(task, target, () => void (target !== '' && task.connection?.send(frame(SIGNAL_EXEC, target, SIGKILL))));
  }

  /** Resolves once the shim has told of all execs that it was asked for until now. */
  execsReported(id: string): Promise<void> {
    return this.outcomes.execsTold(id);
  }

  async connect(task: LiveTask): Promise<void> {
    task.connection = await ShimConnection.open(
      task.socket,
      (event) => this.heard(task, event),
      () => this.lost(task),
    );
    task.emit('connected');
  }

  /** Resolves once its shim can be spoken to, which is before its command runs, or its start is over. */
  async whenConnected(task: LiveTask): Promise<void> {
    const { start } = task;
    if (task.connection || !start) return;
    const connected = Promise.withResolvers<void>();
    task.once('connected', connected.resolve);
    await Promise.race([connected.promise, start.catch(() => undefined)]);
    task.off('connected', connected.resolve);
  }

  /**
   * Kills it and waits for its end, which is on the log then. One that is not there, or has ended, changes nothing. Rejects as unavailable when it does not end. Whoever asks again meanwhile,
   * as for an answer that may be lost, waits for the same: each would be told to kill anew, on the log, too, and the one that hears how it went would be none of those that are asked now.
   */
  end(id: string, asked: RequestContext): Promise<void> {
    const underWay = this.endings.get(id);
    if (underWay) return underWay;
    const ending = this.endNow(id, asked).finally(() => this.endings.delete(id));
    this.endings.set(id, ending);
    return ending;
  }

  private async endNow(id: string, asked: RequestContext): Promise<void> {
    const task = this.tasks.get(id);
    if (!task) return;
    await task.start?.catch(() => undefined);
    if (task.hasExited) return;
    const ended = Promise.withResolvers<void>();
    task.once('exited', ended.resolve);
    let timer: NodeJS.Timeout | undefined;
    try {
      await this.log.execute(id, { type: 'Signal', ...task.identity, signal: SIGKILL, ends: true, at: new Date().toISOString() }, asked);
      task.connection?.send(frame(SIGNAL, SIGKILL));
      this.keepers.thaw(task);
      this.insist(task);
      // From now on: a log that is slow, or takes nothing, is not the shim's fault, and nobody would hear of it yet.
      timer = setTimeout(() => ended.reject(this.doesNotEnd(task)), END_DEADLINE_MS);
      await ended.promise;
    } finally {
      clearTimeout(timer);
      task.off('exited', ended.resolve);
    }
  }

  private doesNotEnd(task: LiveTask): BerthError {
    const { container } = task.identity;
    const left = this.keepers.left(task);
    if (left === undefined) return unavailable(`the shim of container ${container} does not answer: it was told to kill, and did not tell of an end within ${END_DEADLINE_MS / 1000} s`);
    return unavailable(`container ${container} was killed, and has not ended within ${END_DEADLINE_MS / 1000} s. Of its processes there is still ${left}`);
  }

  /** Its first process was killed. */
  insist(task: LiveTask): void {
    setTimeout(() => !task.hasExited && this.keepers.kill(task), ALONE_MS).unref();
    setTimeout(() => !task.hasExited && this.carryOn(task, this.abortFileSystems(task)), STUCK_MS).unref();
  }

  private abortFileSystems(task: LiveTask): Promise<void> {
    return this.keepers.abortFileSystems(task, Array.from(this.tasks.values()).flatMap((other) => (other === task || other.pid === 0 ? [] : other.pid)));
  }

  /** The connection is gone, or there never was one: connects again, else reads the exit record, else the keeper is lost. */
  async recover(task: LiveTask): Promise<void> {
    this.recovering.add(task);
    try {
      await this.connectAgain(task);
    } finally {
      this.recovering.delete(task);
    }
  }

  private async connectAgain(task: LiveTask): Promise<void> {
    while (!task.hasExited) {
      try {
        await this.connect(task);
        const isThere = await task.connection?.state();
        if (!isThere || !task.connection) throw unavailable(`the shim of container ${task.identity.container} has closed the connection: it may have as many as it takes`);
        this.ooms.begin(task);
        return;
      } catch (error) {
        try {
          if (error instanceof ShimGone) return await this.gone(task);
          throw error;
        } catch (wrong) {
          this.onError(wrong, { container: task.identity.container });
        }
        await delay(RECONNECT_MS);
      }
    }
  }

  /** Of a start whose shim was there and is gone: it may have run. */
  async goneBeforeRecorded(task: LiveTask): Promise<void> {
    this.early.delete(task);
    try {
      await this.gone(task);
    } catch (error) {
      // Its processes do not end now: nobody else would look for their end.
      this.carryOn(task, this.recover(task));
      throw error;
    }
  }

  /** What a task left that has no shim: the record of its exit, or processes that must not run on unseen. Rejects while these do not end. */
  private async gone(task: LiveTask): Promise<void> {
    const exit = await readExitRecord(task.directory);
    if (exit) return this.ended(task, exit);
    await this.endKept(task);
    await this.ended(task, { exitCode: 255, signal: 0, oomKills: 0, keeperLost: true, at: new Date().toISOString() });
  }

  /** The cgroup is the container's, not a run's: while a newer run is in it, processes that an older one left end with the newer. */
  private async endKept(task: LiveTask): Promise<void> {
    for (const other of this.tasks.values()) if (other !== task && other.identity.container === task.identity.container && !other.hasExited) return;
    const stuck = setTimeout(() => this.carryOn(task, this.abortFileSystems(task)), STUCK_MS);
    await this.keepers.end(task).finally(() => clearTimeout(stuck));
  }

  private lost(task: LiveTask): void {
    task.connection = undefined;
    this.outcomes.shimLost(task);
    // Its start is under way, and cleans up.
    if (this.early.has(task)) return;
    // The shim stays until its streams were read to their end: only when it has left is its socket of no use.
    if (task.hasExited) task.left();
    if (task.hasExited) this.carryOn(task, removeDirectory(task));
    else if (!this.recovering.has(task)) this.carryOn(task, this.recover(task));
  }

  private heard(task: LiveTask, event: ShimEvent): void {
    switch (event.type) {
      case 'times':
        this.outcomes.timed(task, event.target, event.times);
        if (event.target === '') task.tellsTimes = true;
        return;
      case 'started': {
        const check = checkOf(event.target);
        if (check !== undefined) task.checks.started(check, event.pid, event.at);
        // At once, so that an exit told in the same breath is recorded after it.
        else if (event.target !== '') {
          task.execs.set(event.target, { pid: event.pid, at: event.at });
          this.carryOn(task, this.execStarted(task, event));
        }
        this.outcomes.told(task, event);
        return;
      }
      case 'failed':
        // A predecessor's: it never ran, so whoever asks for it again has it started anew, which its shim does not do of one that it knows.
        if (!this.outcomes.told(task, event) && event.target !== '') task.connection?.send(frame(ACK_EXIT, event.target));
        return;
      case 'log-news':
        this.logs.wrote(event);
        if (event.rotations > 0) this.compression.look(task.identity.container);
        return;
      case 'oom-kills':
        this.carryOn(task, this.record(task, () => this.log.execute(taskId(task.identity), { type: 'RecordOutOfMemory', ...task.identity, kills: event.kills, at: event.at }, ofItself())));
        return;
      case 'exited': {
        const check = checkOf(event.target);
        const early = this.early.get(task);
        if (check !== undefined) this.checkEnded(task, check, event);
        else if (early) early.push(event);
        else this.exited(task, event);
      }
    }
  }

  private exited(task: LiveTask, event: Extract<ShimEvent, { type: 'exited' }>): void {
    const work = event.target === '' ? this.ended(task, { ...event, keeperLost: false }) : this.execEnded(task, event);
    this.carryOn(task, work);
  }

  /** Resolves when nothing is left to do of what shims have told, or after `patienceMs`: the next executor finds what is left. */
  async settled(patienceMs: number): Promise<void> {
    const over = delay(patienceMs, undefined, { ref: false });
    while (this.underWay.size > 0) {
      const isOver = await Promise.race([Promise.all(this.underWay).then(() => false), over.then(() => true)]);
      if (isOver) return;
    }
  }

  private carryOn(task: LiveTask, work: Promise<unknown>): void {
    const done = work.catch((error: unknown) => this.onError(error, { container: task.identity.container })).then(() => void this.underWay.delete(done));
    this.underWay.add(done);
  }

  private async execStarted(task: LiveTask, { target: exec, pid, at }: Extract<ShimEvent, { type: 'started' }>): Promise<void> {
    const id = taskId(task.identity);
    const cause = this.causes.execCause(id, exec);
    // Once its end is on record, which tells of its start too where the log did not take that, there is nothing to tell.
    await this.record(task, async () => task.execs.has(exec) && this.log.executeSoon(id, { type: 'RecordExecStarted', ...task.identity, exec, pid, at }, cause, EXEC_LINGER_MS));
  }

  private async execEnded(task: LiveTask, { target: exec, exitCode, at }: Extract<ShimEvent, { type: 'exited' }>): Promise<void> {
    const id = taskId(task.identity);
    const cause = this.causes.execCause(id, exec);
    const began = task.execs.get(exec);
    await this.record(task, () => this.log.execute(id, { type: 'RecordExecExited', ...task.identity, exec, exitCode, ...(began ? { began } : {}), at }, cause));
    await failpoint('task.exec-exit-recorded');
    task.execs.delete(exec);
    task.connection?.send(frame(ACK_EXIT, exec));
  }

  /** Whoever asked for it learns it here. Where that answer is lost, the check is one that told nothing: there will be another. */
  private checkEnded(task: LiveTask, check: string, { target, exitCode, at }: Extract<ShimEvent, { type: 'exited' }>): void {
    task.checks.exited(check, exitCode, at);
    task.connection?.send(frame(ACK_EXIT, target));
  }

  /** What was observed is told nobody again: however long the log is away, it gets there. */
  private async record(task: LiveTask, append: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await append();
        return;
      } catch (error) {
        this.onError(error, { container: task.identity.container });
        await delay(RECORD_AGAIN_MS);
      }
    }
  }

  private async ended(task: LiveTask, exit: TaskExit): Promise<void> {
    const id = taskId(task.identity);
    if (task.hasExited) return;
    task.hasExited = true;
    // What was asked for in its last moment.
    this.outcomes.taskEnded(task);
    task.checks.over();
    const { exitCode, signal, oomKills, keeperLost, at } = exit;
    const cause = this.causes.exitCause(id, signal);
    // Before anybody can hear of the end: the container's next run has the same ports.
    const unpublished = this.ports.unpublish(task);
    unpublished.catch(() => undefined); // it is waited for below
    await this.record(task, () => this.log.execute(id, { type: 'RecordExited', ...task.identity, exitCode, signal, oomKills, keeperLost, at }, cause));
    await failpoint('task.exit-recorded');
    task.emit('exited');
    this.tasks.delete(id);
    if (task.connection) {
      task.connection.send(frame(ACK_EXIT, ''));
    } else {
      task.left();
      await removeDirectory(task);
    }
    this.leaveParent(task);
    await unpublished;
  }

  /** Its cgroup is gone, and what was made for it to be in may go, unless others are in it, or on their way. */
  private leaveParent(task: LiveTask): void {
    if (task.cgroupParent !== undefined) this.tidyParents();
  }

  tidyParents(): void {
    this.parents.tidy([...this.tasks.values()].flatMap(({ cgroupParent }) => cgroupParent ?? []));
  }
}
