import { EndTask, LaunchTask, RemoveContainerFiles, SignalTask } from '#contracts/executor/tasks.js';
import type { ContainerEvent, StartReason } from '#contracts/containers/events.js';
import type { EndpointSettings } from '#contracts/containers/container-state.js';
import type { Done, RequestContext } from '#contracts/request.js';
import { RemoveVolume } from '#contracts/volumes/volumes.js';
import { BerthError, conflict, errorMessage, internal, invalid, notFound, unavailable } from '#libs/errors/errors.js';
import { SIGKILL, stopSignalNumber } from '#libs/linux/signals.js';
import type { Bus } from '#libs/messaging/bus.js';
import { type ContainerSpec, isPresent, isRunning, isToRestart, type KeptContainer, type PresentContainer } from '../../domain/container/container-state.js';
import { joinsOf, lendersOf } from '../../domain/namespaces/joined-containers.js';
import { askedSignal, killMeaning, killSignal } from '../../domain/process/kill-signal.js';
import { launchRequest } from '../../domain/launch-request.js';
import { type Link, linkFacts, type LinkFacts } from '../../domain/network/links.js';
import { DEFAULT_STOP_TIMEOUT_SECONDS } from '../../domain/process/stop-timeout.js';
import type { ContainerDirectory, Containers, Names } from '../names/container-directory.js';
import type { ContainerLinks } from '../names/container-links.js';
import { formerHolder } from '../names/former-holder.js';
import type { PendingAttaches } from '../streams/pending-attaches.js';
import type { UndoGrace } from '../undo/undo-grace.js';
import type { ContainerPauses } from './container-pauses.js';
import { earlierOutcome } from './earlier-outcome.js';
import type { ExitWaits } from './exit-waits.js';
import { LONGEST_TIMER_MS } from './longest-timer.js';
import type { Outcomes } from './outcome-retries.js';
import type { EarlyEndpoint, RunEndpoints } from './run-endpoints.js';

/** How long a killed process may take to be gone before we say so. */
const KILL_DEADLINE_MS = 10_000;
/** An executor that was killed is back by then; what it was asked and did not answer, it is asked again. All but signals mean the same when given twice. */
const AGAIN = { timeoutMs: 60_000, askAgainMs: 500 };
/** One that ends a container is better sent twice than not at all; of any other, nobody knows what a second would do. */
const SIGNAL = { ends: { askAgainMs: 5_000 }, other: { timeoutMs: 10_000, askAgainMs: Infinity } };

/**
 * Start, stop, kill and remove: each appends its intent first, and each can be entered again after a crash at the step where it was: what was
 * done is done once (a task is (container, start), an endpoint likewise).
 */
export class ContainerLifecycle {
  private readonly removals = new Map<string, Promise<Done>>();
  /** Those of clients; settled when all of a container's are. */
  private readonly restarts = new Map<string, Promise<unknown>>();
  /** Of each container the newest: an older one may be without an answer yet when its run is over. */
  private readonly launches = new Map<string, { readonly start: number; readonly done: Promise<number> }>();
  /** Endpoints of runs that are not on record as started: whoever hears first that the task started records it with its endpoint. */
  private readonly endpoints = new Map<string, EndpointSettings>();

  constructor(
    private readonly containers: Containers,
    private readonly names: Names,
    private readonly directory: ContainerDirectory,
    private readonly pauses: ContainerPauses,
    private readonly waits: ExitWaits,
    private readonly attaches: PendingAttaches,
    private readonly runEndpoints: RunEndpoints,
    private readonly links: Pick<ContainerLinks, 'moved'>,
    private readonly outcomes: Pick<Outcomes, 'tell'>,
    private readonly bus: Bus,
    private readonly grace: Pick<UndoGrace, 'secondsFor'>,
    /** Whether containers have other ids than the host's. */
    private readonly isRemapped: boolean,
  ) {}

  async start(reference: string, reason: StartReason, asked: RequestContext): Promise<Done & { changed: boolean }> {
    const container = this.directory.find(reference);
    const { id } = container.spec;
    // What waits for its restart goes on waiting, whoever else asks.
    const early = reason === 'api' && container.status === 'restarting' ? undefined : this.runEndpoints.early(container, asked);
    try {
      const { events, position, repeated } = await this.containers.execute(id, { type: 'Start', reason, at: now() }, asked);
      if (repeated) return { position: await this.startedBefore(id, position, events), changed: true };
      if (asked.dryRun || events.length === 0) return { position, changed: events.length > 0 };
      return { position: await this.launch(id, asked, early), changed: true };
    } finally {
      // Where nobody answers now, the engine's next start settles it.
      await this.runEndpoints.giveBack(early, asked).catch(() => undefined);
    }
  }

  /** What the same request came to before. */
  private async startedBefore(id: string, position: number, events: readonly ContainerEvent[]): Promise<number> {
    const done = await this.launches.get(id)?.done;
    const { run } = this.directory.get(id) ?? {};
    const hasFailed = run !== undefined && run.over && run.error !== '' && events.some((event) => event.type === 'StartRequested' && event.start === run.start);
    if (hasFailed) throw run.exitCode === 128 ? internal(run.error) : invalid(run.error);
    return done ?? position;
  }

  /** The part of a start behind its intent. Entered again after a crash, it finds what it had done. */
  launch(id: string, asked: RequestContext, early?: EarlyEndpoint): Promise<number> {
    const { start = 0 } = this.directory.get(id)?.run ?? {};
    const underWay = this.launches.get(id);
    if (underWay?.start === start) return underWay.done;
    const done = this.launchNow(id, asked, early).finally(() => {
      if (this.launches.get(id) === launch) this.launches.delete(id);
    });
    const launch = { start, done };
    this.launches.set(id, launch);
    return done;
  }

  private async launchNow(id: string, asked: RequestContext, early?: EarlyEndpoint): Promise<number> {
    const container = this.starting(id);
    const { spec, run } = container;
    let isAsked = false;
    let isThere = false;
    try {
      const endpoint = await this.runEndpoints.settled(container, early, asked);
      if (endpoint) this.endpoints.set(runOf(id, run.start), endpoint);
      // Containers that have a link to it find it where it is now; in its first run none has met it yet.
      if (endpoint && run.start > 1) await this.links.moved(id, endpoint.address, asked);
      this.starting(id); // somebody may have removed it meanwhile
      const [links, joins] = [await this.linksOf(container), await this.joinsOf(container)];
      this.starting(id); // and those waited for whole starts
      isAsked = true;
      const task = await this.bus.request(LaunchTask, launchRequest(spec, run.start, endpoint, this.attaches.take(id, run.start), links, joins, this.isRemapped), asked, AGAIN);
      isThere = true;
      return await this.recordStarted(id, run.start, task.pid, task.startedAt, asked);
    } catch (error) {
      // It runs, and that is recorded as soon as the log takes what the task's own event means.
      if (isThere && error instanceof BerthError && error.kind === 'unavailable') {
        if (this.hasStarted(id, run.start)) return this.containers.position;
        throw error;
      }
      this.endpoints.delete(runOf(id, run.start));
      // Nobody answered, or nobody was asked this time, after a crash: it may have begun all the same. What its own events say runs is not ended: somebody has been told so.
      if (error instanceof BerthError && (error.kind === 'unavailable' || !isAsked) && !this.hasStarted(id, run.start)) await this.endTask(id, run.start, asked).catch(() => undefined);
      // A client that attached for this start has been told that there is none: the next run must not wait for it.
      if (this.directory.get(id)?.run.start === run.start) this.attaches.forget(id);
      const failure = asStartFailure(error);
      const record = () => this.containers.execute(id, { type: 'RecordStartFailed', start: run.start, error: failure.message, exitCode: failure.exitCode, at: now() }, asked);
      const recorded = await this.outcomes.tell(id, record, asked).catch(() => undefined);
      if (recorded === undefined) throw error;
      // The task's own events are nearer to the truth than a reply that was lost.
      if (recorded.events.length === 0 && this.hasStarted(id, run.start)) return recorded.position;
      if (spec.hostConfig.AutoRemove && recorded.events.length > 0) await this.remove(id, { force: true, volumes: true }, asked).catch(() => undefined);
      throw error;
    }
  }

  /** Of starts that come together, as at an engine's own start, one that needs the address of another container waits for its start. */
  private async linksOf(container: PresentContainer): Promise<LinkFacts> {
    const links = (): Link[] => this.directory.linksOf(container);
    for (const { target } of links()) await this.startSettled(target.spec.id);
    return linkFacts(container, links());
  }

  /** Starts that come together wait for the one whose namespaces they share. */
  private async joinsOf({ spec: { hostConfig } }: PresentContainer): Promise<Pick<LaunchTask, 'joins'>> {
    for (const lender of lendersOf(hostConfig)) await this.startSettled(lender);
    return joinsOf(hostConfig, (id) => this.directory.get(id));
  }

  /**
   * Resolves once a start that is under way has ended, well or badly. The command may have written before its start is on record: who saw that and asks for
   * something that only a running container does must not be refused.
   */
  async startSettled(id: string): Promise<void> {
    await this.launches.get(id)?.done.catch(() => undefined);
  }

  private hasStarted(id: string, start: number): boolean {
    const run = this.directory.get(id)?.run;
    return run?.start === start && Boolean(run.startedAt);
  }

  private starting(id: string): PresentContainer {
    const container = this.directory.get(id);
    if (!container || container.status === 'removing') throw conflict(`container ${id} was removed while it started`);
    return container;
  }

  /** Ends a run, whatever it is doing. Resolves when its end is on the log. */
  async endTask(container: string, start: number, asked: RequestContext): Promise<void> {
    await this.bus.request(EndTask, { container, start }, asked, AGAIN);
  }

  /** Told by the executor's reply and by the task's event, in either order: recorded once. */
  async recordStarted(id: string, start: number, pid: number, at: string, asked: RequestContext): Promise<number> {
    const again = this.forgottenEndpoint(id, start, asked);
    try {
      const endpoint = this.endpoints.get(runOf(id, start)) ?? (await again?.settings);
      const { position } = await this.containers.execute(id, { type: 'RecordStarted', start, pid, ...(endpoint ? { endpoint } : {}), at }, asked);
      this.endpoints.delete(runOf(id, start));
      return position;
    } finally {
      await this.runEndpoints.giveBack(again, asked).catch(() => undefined);
    }
  }

  /** The engine that asked for the start died before it was on record: only that engine knew what its endpoint is. */
  private forgottenEndpoint(id: string, start: number, asked: RequestContext): EarlyEndpoint | undefined {
    const container = this.directory.get(id);
    const isUnrecorded = container?.run.start === start && !container.run.over && container.run.startedAt === '';
    return isUnrecorded && !this.endpoints.has(runOf(id, start)) ? this.runEndpoints.again(container, asked) : undefined;
  }

  async stop(reference: string, wish: { signal?: string; timeoutSeconds?: number; restarts?: boolean }, asked: RequestContext): Promise<Done & { changed: boolean }> {
    const { spec } = this.directory.find(reference);
    const signal = wish.signal ? askedSignal(`cannot stop container: ${reference}`, wish.signal) : stopSignalNumber(spec.config.StopSignal);
    const timeoutSeconds = wish.timeoutSeconds ?? spec.config.StopTimeout ?? DEFAULT_STOP_TIMEOUT_SECONDS;
    await this.startSettled(spec.id);
    const { events, position, repeated } = await this.containers.execute(spec.id, { type: 'Stop', signal, timeoutSeconds, ...(wish.restarts ? { restarts: true } : {}), at: now() }, asked);
    if (repeated) {
      await this.endedBefore(spec.id, position, timeoutSeconds < 0 ? LONGEST_TIMER_MS : timeoutSeconds * 1000 + KILL_DEADLINE_MS);
      return { position, changed: true };
    }
    if (asked.dryRun || events.length === 0) return { position, changed: events.length > 0 };
    await this.finishStop(spec.id, asked);
    return { position: this.containers.position, changed: true };
  }

  /** Of a run whose end the same request asked for before, at `position`: its effects are under way, or over. Rejects with what they failed for. */
  private async endedBefore(id: string, position: number, deadlineMs: number): Promise<void> {
    const outcome = () => earlierOutcome(this.containers, id, position, ['ContainerExited', 'StopFailed']);
    if ((await outcome()) !== undefined) return;
    const { stopRequested, kill } = this.directory.get(id)?.run ?? {};
    if (stopRequested === undefined && kill === undefined) return;
    await this.waits.ended(id, deadlineMs);
    await outcome();
  }

  /** The part of a stop behind its intent. Where it fails, nobody goes on with it later, but for one that nobody was told of, being the engine's own. */
  async finishStop(id: string, asked: RequestContext): Promise<void> {
    const container = this.directory.get(id);
    const wish = container?.run.stopRequested;
    if (!container || !wish || !isRunning(container)) return;
    const isWished = (): boolean => this.directory.get(id)?.run.stopRequested === wish;
    await this.carryOutStop(container, wish, asked).catch((error: unknown) => (wish.startsAgain ? Promise.reject(error) : this.stopFailed(container, error, isWished, asked)));
  }

  private async carryOutStop(container: PresentContainer, wish: StopWish, asked: RequestContext): Promise<void> {
    const { id } = container.spec;
    const { start } = container.run;
    // One that began beside the intent: its shim cannot be spoken to before.
    await this.startSettled(id);
    await this.signal(id, start, wish.signal, true, asked);
    await this.pauses.thaw(id, asked);
    if (await this.hasEnded(id, start, wish.timeoutSeconds < 0 ? LONGEST_TIMER_MS : wish.timeoutSeconds * 1000)) return;
    await this.signal(id, start, SIGKILL, true, asked);
    if (!(await this.hasEnded(id, start, KILL_DEADLINE_MS))) throw internal(`cannot stop container: ${container.spec.name}: tried to kill container, but did not receive an exit event`);
  }

  /** Always rejects, with `error`: whoever asked for the end of the run is told, and the log with them. */
  private async stopFailed({ spec: { id }, run: { start } }: PresentContainer, error: unknown, isWished: () => boolean, asked: RequestContext): Promise<never> {
    // The request's key is the intent's.
    const { idempotencyKey: _key, ...cause } = asked;
    const record = () => this.containers.execute(id, { type: 'RecordStopFailed', start, error: errorMessage(error), at: now() }, cause);
    // Later, somebody may have asked anew.
    await this.outcomes.tell(id, record, cause, async () => isWished() && record()).catch(() => undefined);
    throw error;
  }

  async restart(reference: string, wish: { signal?: string; timeoutSeconds?: number }, asked: RequestContext): Promise<Done> {
    const { id } = this.directory.find(reference).spec;
    if (wish.signal) askedSignal(`Cannot restart container ${reference}`, wish.signal); // throws
    const stopped = this.stop(id, { ...wish, restarts: true }, asked);
    const restart = stopped.then(({ changed }) => (asked.dryRun && changed ? this.planStarted(id, asked) : this.start(id, 'restart', asked)));
    const settled = Promise.allSettled([this.restarts.get(id), restart]).then(() => {
      if (this.restarts.get(id) === settled) this.restarts.delete(id);
    });
    this.restarts.set(id, settled);
    return restart;
  }

  private planStarted(id: string, asked: RequestContext): Promise<Done> {
    return this.containers.execute(id, { type: 'Start', reason: 'restart', stopped: true, at: now() }, asked);
  }

  /** The part of a restart behind its stop, where whoever asked for it is not there to go on with it. */
  async finishRestart(id: string, asked: RequestContext): Promise<void> {
    await this.restarts.get(id);
    const container = this.directory.get(id);
    if (container && isToRestart(container)) await this.start(id, 'restart', asked);
  }

  async kill(reference: string, signalText: string | undefined, asked: RequestContext): Promise<Done> {
    const signal = killSignal(reference, signalText);
    await this.startSettled(this.findForKill(reference).spec.id);
    const { id } = this.findForKill(reference).spec;
    const { state, events, position, repeated } = await this.containers.execute(id, { type: 'Kill', signal, at: now() }, asked);
    if (asked.dryRun || !isPresent(state) || !events.some(({ type }) => type === 'KillRequested')) return { position };
    if (repeated) {
      if (signal === SIGKILL) await this.endedBefore(id, position, KILL_DEADLINE_MS);
      return { position };
    }
    // The run that the log has it of: another may have begun since this one was asked for.
    await this.finishKill(state.spec, state.run.start, signal, asked);
    return { position };
  }

  /** The part of a kill behind its intent. What ends a run surely fails as a stop does. */
  async finishKill(spec: ContainerSpec, start: number, signal: number, asked: RequestContext): Promise<void> {
    const container = this.directory.get(spec.id);
    const wish = container?.run.kill;
    const isWished = (): boolean => this.directory.get(spec.id)?.run.kill === wish;
    await this.carryOutKill(spec, start, signal, asked).catch((error: unknown) => (signal === SIGKILL && container?.run.start === start ? this.stopFailed(container, error, isWished, asked) : Promise.reject(error)));
  }

  private async carryOutKill({ id, name, config }: ContainerSpec, start: number, signal: number, asked: RequestContext): Promise<void> {
    const { ends, cancelsRestart } = killMeaning(signal, config.StopSignal);
    await this.startSettled(id);
    await this.signal(id, start, signal, ends, asked);
    // dockerd 20.10, daemon/kill.go: the same signals let a paused container go on to hear them.
    if (cancelsRestart) await this.pauses.thaw(id, asked);
    if (signal === SIGKILL && !(await this.hasEnded(id, start, KILL_DEADLINE_MS))) throw internal(`cannot kill container: ${name}: tried to kill container, but did not receive an exit event`);
  }

  /** Whether a run that was given its signal is over, or is soon: an executor that was away took it later than it was asked to, and nothing ends before. */
  private async hasEnded(id: string, start: number, deadlineMs: number): Promise<boolean> {
    return this.directory.get(id)?.run.start !== start || (await this.waits.ended(id, deadlineMs)).done;
  }

  private findForKill(reference: string): PresentContainer {
    try {
      return this.directory.find(reference);
    } catch (error) {
      throw error instanceof BerthError && error.kind === 'not-found' ? notFound(`cannot kill container: ${reference}: ${error.message}`) : error;
    }
  }

  /** `keep` false: for good. */
  async remove(reference: string, { keep = true, ...wish }: { force: boolean; volumes: boolean; keep?: boolean }, asked: RequestContext): Promise<Done> {
    const found = this.directory.tryFind(reference);
    // Gone by this very request before: its first answer again.
    if (found === undefined && asked.idempotencyKey !== undefined && (await this.wasRemovedBy(reference, asked.idempotencyKey))) return { position: this.containers.position };
    const container = found ?? this.directory.find(reference);
    const { spec } = container;
    const keepSeconds = keep ? this.grace.secondsFor(spec) : undefined;
    const { events, position } = await this.containers.execute(spec.id, { type: 'Remove', ...wish, ...(keepSeconds === undefined ? {} : { keepSeconds }), at: now() }, asked);
    const isGone = events.some(({ type }) => type === 'ContainerRemoved');
    if (asked.dryRun) return this.planRemoved(container, isGone, wish.volumes, keepSeconds, asked);
    const finished = this.finishRemove(spec.id, asked);
    if (!isGone || wish.volumes) return finished;
    // Nobody needs to wait for its files to be put aside. Where that fails, ContainerWatch tries again; who claims its name comes after its release, begun above.
    finished.catch(() => undefined);
    return { position };
  }

  /** The part of a removal behind its intent: one at a time for a container, however many ask. What was done is not done again. */
  finishRemove(id: string, asked: RequestContext): Promise<Done> {
    const running = this.removals.get(id);
    if (running) return running;
    const removal = this.removeFully(id, asked).finally(() => this.removals.delete(id));
    this.removals.set(id, removal);
    return removal;
  }

  /** Resolves once a removal that is under way has ended, well or badly. */
  async removalSettled(id: string): Promise<void> {
    await this.removals.get(id)?.catch(() => undefined);
  }

  private async wasRemovedBy(reference: string, key: string): Promise<boolean> {
    const former = await formerHolder(this.names, reference);
    return former !== undefined && this.containers.wasDone(former, 'Remove', key);
  }

  private async planRemoved(container: PresentContainer, isGone: boolean, volumes: boolean, keepSeconds: number | undefined, asked: RequestContext): Promise<Done> {
    const { id, name } = container.spec;
    const { position } = isGone ? this.containers : await this.containers.execute(id, { type: 'RecordRemoved', ...(keepSeconds === undefined ? {} : { keepSeconds }), at: now() }, asked);
    await this.names.execute(name, { type: 'Release', name, container: id }, asked);
    if (volumes) await this.removeVolumes(container, keepSeconds !== undefined, asked);
    return { position };
  }

  private async removeFully(id: string, asked: RequestContext): Promise<Done> {
    const { state } = this.containers.get(id);
    if (state.status === 'kept') return this.putAside(state, asked);
    // Another attempt came to the end, or what was removed is back.
    if (state.status !== 'removing') return { position: this.containers.position };
    const { spec, run, remove } = state;
    if (!run.over) await this.endRun(state, asked);
    const keep = remove?.keepSeconds !== undefined;
    await this.removeFiles(id, keep, asked);
    const [{ position }] = await Promise.all([this.containers.execute(id, { type: 'RecordRemoved', at: now() }, asked), this.releaseName(spec, asked)]);
    if (remove?.volumes) await this.removeVolumes(state, keep, asked);
    return { position };
  }

  /** What follows the removal of a container that can come back. */
  private async putAside({ before, volumes }: KeptContainer, asked: RequestContext): Promise<Done> {
    // Each to its end: a restore that comes next must not be overtaken by the one when the other has failed.
    const steps = await Promise.allSettled([this.removeFiles(before.spec.id, true, asked), this.releaseName(before.spec, asked)]);
    for (const step of steps) if (step.status === 'rejected') throw step.reason;
    if (volumes) await this.removeVolumes(before, true, asked);
    return { position: this.containers.position };
  }

  private async removeFiles(container: string, keep: boolean, asked: RequestContext): Promise<void> {
    await this.bus.request(RemoveContainerFiles, { container, ...(keep ? { keep } : {}) }, asked, AGAIN);
  }

  private async releaseName({ id, name }: ContainerSpec, asked: RequestContext): Promise<void> {
    await this.names.execute(name, { type: 'Release', name, container: id }, asked);
  }

  private async removeVolumes({ spec, unmounted = [] }: PresentContainer, keep: boolean, asked: RequestContext): Promise<void> {
    const anonymous = [...spec.mounts.flatMap(({ anonymous, name }) => (anonymous && name ? [name] : [])), ...unmounted];
    for (const name of anonymous) await this.bus.request(RemoveVolume, { name, force: true, removedWith: spec.id, ...(keep ? { keptFor: spec.id } : {}) }, asked, AGAIN).catch(() => undefined);
  }

  /** Of a container that is to be removed: a start under way is waited for, a run is killed. */
  private async endRun({ spec, run }: PresentContainer, asked: RequestContext): Promise<void> {
    const { id, name } = spec;
    const end = (): Promise<void> =>
      this.endTask(id, run.start, asked).catch((error: unknown) => {
        throw unavailable(`cannot remove container "${name}": could not kill: ${errorMessage(error)}`, error);
      });
    await end();
    await this.startSettled(id);
    // The executor may have been asked for it again behind that.
    const { over: isOver = true } = this.directory.get(id)?.run ?? {};
    if (!isOver && this.hasStarted(id, run.start)) await end();
    // A start that was not heard of by anyone ends here; of any other the task's events tell.
    if (!this.directory.get(id)?.run.startedAt) await this.containers.execute(id, { type: 'RecordStartFailed', start: run.start, error: 'removed while it started', exitCode: 128, at: now() }, asked);
    if (!(await this.hasEnded(id, run.start, KILL_DEADLINE_MS))) throw internal(`cannot remove container "${name}": could not kill: tried to kill container, but did not receive an exit event`);
  }

  private async signal(container: string, start: number, signal: number, ends: boolean, asked: RequestContext): Promise<void> {
    // One request may send several signals: its key does not make them one.
    const { idempotencyKey: _key, ...cause } = asked;
    await this.bus.request(SignalTask, { container, start, signal, ends }, cause, ends ? SIGNAL.ends : SIGNAL.other);
  }
}

type StopWish = NonNullable<PresentContainer['run']['stopRequested']>;

const runOf = (container: string, start: number): string => `${container}-${start}`;
const now = (): string => new Date().toISOString();

/** Exit codes as Docker has them: 127 for a command that is not there, 126 for one that may not run, 128 for the rest. */
function asStartFailure(error: unknown): { message: string; exitCode: number } {
  const message = errorMessage(error);
  // As dockerd, which takes the command's exit code from what the runtime says alone.
  if (!(error instanceof BerthError) || !/OCI runtime create failed/.test(message)) return { message, exitCode: 128 };
  if (/executable file not found|no such file or directory|not a directory/i.test(message)) return { message, exitCode: 127 };
  return { message, exitCode: /permission denied|is a directory/i.test(message) ? 126 : 128 };
}
