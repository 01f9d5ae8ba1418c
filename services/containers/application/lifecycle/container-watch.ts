import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerEvent, StartReason } from '#contracts/containers/events.js';
import type { RequestContext } from '#contracts/request.js';
import { causedBy } from '#libs/event-store/caused-by.js';
import type { Commit } from '#libs/event-store/event.js';
import { SIGKILL } from '#libs/linux/signals.js';
import { retryUntilDone } from '#libs/messaging/retry.js';
import type { LogFields } from '#libs/telemetry/log-record.js';
import { isToRestart, type PresentContainer, startsWithEngine } from '../../domain/container/container-state.js';
import { lendersOf } from '../../domain/namespaces/joined-containers.js';
import type { ContainerCommits } from '../definition/container-commits.js';
import type { ContainerEdits } from '../definition/container-edits.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';
import type { ContainerUpdates } from '../definition/container-updates.js';
import type { NameClaims } from '../names/name-claims.js';
import type { ContainerLifecycle } from './container-lifecycle.js';
import type { ContainerPauses } from './container-pauses.js';
import type { ExitWaits } from './exit-waits.js';
import type { RunEndpoints } from './run-endpoints.js';

/** Until the next look whether the container whose namespaces it shares runs. */
const LENDER_PAUSE_MS = 250;

/** What follows from a container's own events: waits end, --rm removes, the restart policy starts again. After a crash, goes on with what was half done. */
export class ContainerWatch {
  private readonly restarts = new Map<string, AbortController>();
  private readonly stopping = new AbortController();
  private unlisten: readonly (() => void)[] = [];

  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly claims: NameClaims,
    private readonly endpoints: RunEndpoints,
    private readonly lifecycle: ContainerLifecycle,
    private readonly pauses: ContainerPauses,
    private readonly updates: ContainerUpdates,
    private readonly commits: ContainerCommits,
    private readonly edits: Pick<ContainerEdits, 'finish'>,
    private readonly waits: ExitWaits,
    /** What is held of a container that is removed now. */
    private readonly forget: (container: string) => void,
    private readonly onError: (error: unknown, about: LogFields) => void,
    /** Of the engine as a whole, whose processes may begin again beside that; absent where nobody tells. */
    private readonly engineStartedAt?: string,
  ) {}

  start(): void {
    this.unlisten = [
      this.containers.onCommit((id, commit, _state, live) => {
        if (live) for (const event of commit.events) this.see(id, event, commit);
      }),
      this.containers.onUnanswered((id, commit) => {
        for (const event of commit.events) this.takeUp(id, event, causedBy(commit, 'service:containers'));
      }),
    ];
  }

  stop(): void {
    this.stopping.abort();
    for (const unlisten of this.unlisten) unlisten();
    for (const id of this.restarts.keys()) this.cancel(id);
  }

  /** Each half-done operation is entered again where its events say it stood. */
  async resume(): Promise<void> {
    const asked: RequestContext = { actor: 'service:containers', correlationId: randomUUID(), causationId: 'recovery' };
    for (const container of this.directory.all()) {
      const { id } = container.spec;
      const { status, run } = container;
      if (container.edit && status !== 'removing') this.go(id, asked, this.edits.finish(id, asked));
      if (container.update && status !== 'removing') this.go(id, asked, this.updates.finish(id, asked));
      const isLive = (status === 'running' || status === 'paused') && !run.stopFailed;
      const commits = (container.commit ?? run.thaws) !== undefined && status !== 'removing';
      if (commits) this.go(id, asked, this.commits.finish(id, asked));
      if (status === 'starting') this.launch(id, asked);
      else if (status === 'removing') this.finishRemove(id, asked);
      else if (status === 'restarting') this.schedule(id, container.restartDelayMs, asked);
      else if (isLive && run.stopRequested?.startsAgain) this.stopUnhealthy(id, asked);
      else if (isLive && run.stopRequested) this.go(id, asked, this.lifecycle.stops.finish(id, asked));
      else if (isLive && run.kill?.signal === SIGKILL) this.go(id, asked, this.lifecycle.ends.endTask(id, run.start, asked));
      else if (run.changing && !commits) this.go(id, asked, this.pauses.finish(id, asked));
      else if (status === 'paused' && run.kill?.cancelsRestart) this.go(id, asked, this.pauses.thaw(id, asked));
      else if (isToRestart(container)) this.finishRestart(id, asked);
      else if (isLeftover(container)) this.removeLeftover(id, asked);
      else if (this.isAbandoned(container)) this.removeAbandoned(id, asked);
    }
    for (const [id, { status }] of this.containers.entries()) if (status === 'kept') this.finishRemove(id, asked);
    void this.startWithEngine(asked);
    await this.claims.settle(asked);
    await this.endpoints.settle(asked, (error, container) => this.onError(error, { container, correlationId: asked.correlationId }));
  }

  /** A removal only goes forward: it is tried until it is done, whatever service is down now. */
  private finishRemove(id: string, asked: RequestContext): void {
    this.goOn(id, asked, () => this.lifecycle.removals.finish(id, asked));
  }

  /** The stop of a restart is over; its start is missing. */
  private finishRestart(id: string, asked: RequestContext): void {
    this.goOn(id, asked, () => this.lifecycle.restarts.finish(id, asked));
  }

  /** Those that others need first: an address or a namespace is had of what runs. */
  private async startWithEngine(asked: RequestContext): Promise<void> {
    const isDue = (id: string): boolean => {
      const container = this.directory.get(id);
      return this.engineStartedAt !== undefined && container !== undefined && startsWithEngine(container, this.engineStartedAt);
    };
    const start = (id: string): Promise<unknown> => this.untilDone(id, asked, async () => isDue(id) && this.startIfDue(id, 'engine-start', () => isDue(id), asked));
    const due = this.directory.all().filter(({ spec }) => isDue(spec.id));
    const [needing, others] = [due.filter(needsOthers), due.filter((container) => !needsOthers(container))];
    for (const group of [others, needing]) await Promise.all(group.map(({ spec }) => start(spec.id)));
  }

  /** Until it is over, or somebody else stops it. */
  private stopUnhealthy(id: string, asked: RequestContext): void {
    this.goOn(id, asked, async () => this.directory.get(id)?.run.stopRequested?.startsAgain && (await this.lifecycle.stops.finish(id, asked)));
  }

  private removeLeftover(id: string, asked: RequestContext): void {
    this.goOn(id, asked, async () => {
      const container = this.directory.get(id);
      if (container && isLeftover(container)) await this.lifecycle.removals.remove(id, { force: true, volumes: true }, asked);
    });
  }

  /** Without force: a client may start it yet. */
  private removeAbandoned(id: string, asked: RequestContext): void {
    this.goOn(id, asked, async () => {
      const container = this.directory.get(id);
      if (container && this.isAbandoned(container)) await this.lifecycle.removals.remove(id, { force: false, volumes: true }, asked);
    });
  }

  /** Whoever made it, to go with its run (--rm), had gone before the engine began, with the engine before. As dockerd does; not when a process of the engine begins again beside a client that is about to start it. */
  private isAbandoned({ status, spec, run, protected: isProtected }: PresentContainer): boolean {
    return !isProtected && status === 'created' && run.start === 0 && (spec.hostConfig.AutoRemove ?? false) && this.engineStartedAt !== undefined && Date.parse(spec.createdAt) < Date.parse(this.engineStartedAt);
  }

  private see(id: string, event: ContainerEvent, commit: Commit<ContainerEvent>): void {
    const asked: RequestContext = causedBy(commit, 'service:containers');
    this.waits.see(event);
    switch (event.type) {
      case 'RemoveRequested':
        // Beside the request, whose client may lose patience; both are one removal.
        this.finishRemove(id, asked);
        return;
      case 'ContainerExited':
        this.finishRestart(id, asked);
        this.removeLeftover(id, asked);
        return;
      case 'ContainerUnprotected':
      case 'StartFailed':
        this.removeLeftover(id, asked);
        return;
      case 'RestartScheduled':
        this.schedule(id, event.delayMs, asked);
        return;
      case 'UnhealthyRestartRequested':
        this.stopUnhealthy(id, asked);
        return;
      case 'StopRequested':
        this.cancel(id);
        // A container that waits for its restart has no run whose end could be seen later.
        if (this.directory.get(id)?.run.over) {
          this.finishRestart(id, asked);
          this.removeLeftover(id, asked);
        }
        return;
      case 'StartRequested':
        this.cancel(id);
        return;
      case 'ContainerRemoved':
        this.cancel(id);
        this.forget(id);
    }
  }

  /** An intent that is on the log, though its request was told that it may not be, and went no further with it. */
  private takeUp(id: string, event: ContainerEvent, asked: RequestContext): void {
    const container = this.directory.get(id);
    if (container === undefined || container.status === 'removing') return;
    const { spec, status, run } = container;
    switch (event.type) {
      case 'StartRequested':
        if (status === 'starting' && run.start === event.start) this.launch(id, asked);
        return;
      case 'StopRequested':
        this.go(id, asked, this.lifecycle.stops.finish(id, asked));
        return;
      case 'KillRequested':
        if (!run.over) this.go(id, asked, this.lifecycle.kills.finish(spec, run.start, event.signal, asked));
        return;
      case 'UpdateRequested':
        this.go(id, asked, this.updates.finish(id, asked));
        return;
      case 'EditRequested':
        this.go(id, asked, this.edits.finish(id, asked));
        return;
      // A pause, too, may be part of a commit.
      case 'PauseRequested':
      case 'UnpauseRequested':
      case 'CommitRequested':
        this.go(id, asked, this.commits.finish(id, asked));
    }
  }

  /** That it was removed meanwhile is no failure: nothing was left to follow. */
  private launch(id: string, asked: RequestContext): void {
    const launched = this.lifecycle.starts.launch(id, asked).catch((error: unknown) => {
      if (!['absent', 'kept', 'removing'].includes(this.containers.get(id).state.status)) throw error;
    });
    this.go(id, asked, launched);
  }

  /** The start is tried until the log has it, or the container waits for it no more. */
  private schedule(id: string, delayMs: number, asked: RequestContext): void {
    this.cancel(id);
    const { signal } = this.restarting(id);
    const isDue = (): boolean => this.directory.get(id)?.status === 'restarting';
    const start = async (): Promise<unknown> => isDue() && this.startIfDue(id, 'restart-policy', isDue, asked);
    const due = delay(delayMs, undefined, { signal }).catch(() => undefined);
    void due.then(() => {
      if (!signal.aborted && isDue() && this.waitsForLender(id)) this.schedule(id, LENDER_PAUSE_MS, asked);
      else this.goOn(id, asked, start, signal);
    });
  }

  /** A start that has failed is not tried again. */
  private startIfDue(id: string, reason: StartReason, isDue: () => boolean, asked: RequestContext): Promise<unknown> {
    return this.lifecycle.starts.start(id, reason, asked).catch((error: unknown) => {
      if (isDue()) throw error;
      this.onError(error, { container: id, correlationId: asked.correlationId });
    });
  }

  private waitsForLender(id: string): boolean {
    const { hostConfig } = this.directory.get(id)?.spec ?? {};
    return hostConfig !== undefined && lendersOf(hostConfig).some((lender) => this.directory.get(lender)?.status === 'restarting');
  }

  private restarting(id: string): AbortController {
    const restart = new AbortController();
    this.restarts.set(id, restart);
    return restart;
  }

  private cancel(id: string): void {
    this.restarts.get(id)?.abort();
    this.restarts.delete(id);
  }

  /** Work that has to be done in the end: tried until it is, whatever service is down now. */
  private goOn(id: string, asked: RequestContext, attempt: () => Promise<unknown>, signal = this.stopping.signal): void {
    this.go(id, asked, this.untilDone(id, asked, attempt, signal));
  }

  private untilDone(id: string, asked: RequestContext, attempt: () => Promise<unknown>, signal = this.stopping.signal): Promise<unknown> {
    return retryUntilDone(attempt, signal, (error) => this.onError(error, { container: id, correlationId: asked.correlationId }));
  }

  private go(container: string, asked: RequestContext, work: Promise<unknown>): void {
    work.catch((error: unknown) => this.onError(error, { container, correlationId: asked.correlationId }));
  }
}

const needsOthers = ({ spec: { hostConfig } }: PresentContainer): boolean => lendersOf(hostConfig).length > 0 || (hostConfig.Links ?? []).length > 0;

/** Its run is over, or never came to be, it was asked to go with it (--rm), and nobody restarts it. */
function isLeftover(container: PresentContainer): boolean {
  const { status, spec, run, protected: isProtected } = container;
  return !isProtected && (status === 'exited' || status === 'created') && run.start > 0 && run.over && (spec.hostConfig.AutoRemove ?? false) && !isToRestart(container);
}
