import { LaunchTask } from '#contracts/executor/tasks.js';
import type { ContainerEvent, StartReason } from '#contracts/containers/events.js';
import type { HostConfig } from '#contracts/containers/container-config.js';
import type { EndpointSettings } from '#contracts/containers/container-state.js';
import type { Done, RequestContext } from '#contracts/request.js';
import { BerthError, conflict, errorMessage, internal, invalid } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import type { PresentContainer } from '../../domain/container/container-state.js';
import { launchRequest } from '../../domain/launch-request.js';
import { joinsOf, lendersOf, withLenderId } from '../../domain/namespaces/joined-containers.js';
import { type Link, linkFacts, type LinkFacts } from '../../domain/network/links.js';
import { sharedNetwork } from '../../domain/network/shared-network.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';
import type { ContainerLinks } from '../names/container-links.js';
import type { PendingAttaches } from '../streams/pending-attaches.js';
import type { Outcomes } from './outcome-retries.js';
import type { EarlyEndpoint, RunEndpoints } from './run-endpoints.js';
import { AGAIN, type RunEnds } from './run-ends.js';

/** Starts: the intent, an address, the executor's launch, the record. What was done is done once, however often it is entered: a task is (container, start), an endpoint likewise. */
export class ContainerStarts {
  /** Of each container the newest: an older one may be without an answer yet when its run is over. */
  private readonly launches = new Map<string, { readonly start: number; readonly done: Promise<number> }>();
  /** Endpoints of runs that are not on record as started: whoever hears first that the task started records it with its endpoint. */
  private readonly endpoints = new Map<string, EndpointSettings>();

  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly ends: RunEnds,
    private readonly attaches: PendingAttaches,
    private readonly runEndpoints: RunEndpoints,
    private readonly links: Pick<ContainerLinks, 'moved'>,
    private readonly outcomes: Pick<Outcomes, 'tell'>,
    private readonly bus: Bus,
    /** Whether containers have other ids than the host's. */
    private readonly isRemapped: boolean,
    /** Of one that goes with its run (--rm) and has failed to start. */
    private readonly removeFailed: (id: string, asked: RequestContext) => Promise<unknown>,
  ) {}

  async start(reference: string, reason: StartReason, asked: RequestContext): Promise<Done & { changed: boolean }> {
    const container = this.directory.find(reference);
    const { id } = container.spec;
    // What waits for its restart goes on waiting, whoever else asks.
    const early = reason === 'api' && container.status === 'restarting' ? undefined : this.runEndpoints.early(container, asked);
    try {
      const { events, position, repeated, state } = await this.containers.execute(id, { type: 'Start', reason, at: now() }, asked);
      if (repeated) return { position: await this.startedBefore(id, position, events), changed: true };
      if (!asked.dryRun && events.length > 0) return { position: await this.launch(id, asked, early), changed: true };
      const isUnderWay = !asked.dryRun && state.status === 'starting' && (reason === 'api' || reason === 'restart');
      if (!isUnderWay || (await this.startedByAnother(id, asked))) return { position, changed: events.length > 0 };
    } finally {
      // Where nobody answers now, the engine's next start settles it.
      await this.runEndpoints.giveBack(early, asked).catch(() => undefined);
    }
    return this.start(reference, reason, asked);
  }

  /** A client that asks while another's start is under way is not told that it has started before it has; where it fails, theirs is the next try, as with dockerd. */
  private async startedByAnother(id: string, asked: RequestContext): Promise<boolean> {
    try {
      await this.launch(id, asked);
      return true;
    } catch (error) {
      // Otherwise nobody knows yet what has become of it.
      if (this.directory.get(id)?.status !== 'starting') return false;
      throw error;
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
      const [links, { hostConfig, joins }] = [await this.linksOf(container), await this.joinedBy(container)];
      this.starting(id); // and those waited for whole starts
      isAsked = true;
      const task = await this.bus.request(LaunchTask, launchRequest({ ...spec, hostConfig }, run.start, endpoint, this.attaches.take(id, run.start), links, joins, this.isRemapped), asked, AGAIN);
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
      if (error instanceof BerthError && (error.kind === 'unavailable' || !isAsked) && !this.hasStarted(id, run.start)) await this.ends.endTask(id, run.start, asked).catch(() => undefined);
      // A client that attached for this start has been told that there is none: the next run must not wait for it.
      if (this.directory.get(id)?.run.start === run.start) this.attaches.forget(id);
      const failure = asStartFailure(error);
      const record = () => this.containers.execute(id, { type: 'RecordStartFailed', start: run.start, error: failure.message, exitCode: failure.exitCode, at: now() }, asked);
      const recorded = await this.outcomes.tell(id, record, asked).catch(() => undefined);
      if (recorded === undefined) throw error;
      // The task's own events are nearer to the truth than a reply that was lost.
      if (recorded.events.length === 0 && this.hasStarted(id, run.start)) return recorded.position;
      if (spec.hostConfig.AutoRemove && recorded.events.length > 0) await this.removeFailed(id, asked).catch(() => undefined);
      throw error;
    }
  }

  /** Of starts that come together, as at an engine's own start, one that needs the address of another container waits for its start. */
  private async linksOf(container: PresentContainer): Promise<LinkFacts> {
    const links = (): Link[] => this.directory.linksOf(container);
    for (const { target } of links()) await this.settled(target.spec.id);
    return linkFacts(container, links());
  }

  /** Starts that come together wait for the one whose namespaces they share, but for one that is known by name alone: those may be each other's, and would wait for ever. */
  private async joinedBy({ spec }: PresentContainer): Promise<{ readonly hostConfig: HostConfig; readonly joins: Pick<LaunchTask, 'joins'> }> {
    for (const lender of lendersOf(spec.hostConfig)) await this.settled(lender);
    const hostConfig = withLenderId(spec.hostConfig, (reference) => this.directory.tryFind(reference));
    if (sharedNetwork(hostConfig.NetworkMode) === spec.id) throw conflict('cannot join own network namespace');
    return { hostConfig, joins: joinsOf(hostConfig, (id) => this.directory.get(id)) };
  }

  /**
   * Resolves once a start that is under way has ended, well or badly. The command may have written before its start is on record: who saw that and asks for
   * something that only a running container does must not be refused.
   */
  async settled(id: string): Promise<void> {
    await this.launches.get(id)?.done.catch(() => undefined);
  }

  /** Whether that run is on record as started, over or not. */
  hasStarted(id: string, start: number): boolean {
    const run = this.directory.get(id)?.run;
    return run?.start === start && Boolean(run.startedAt);
  }

  private starting(id: string): PresentContainer {
    const container = this.directory.get(id);
    if (!container || container.status === 'removing') throw conflict(`container ${id} was removed while it started`);
    return container;
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
}

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
