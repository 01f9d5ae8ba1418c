import { randomUUID } from 'node:crypto';
import type { ContainerEvent } from '#contracts/containers/events.js';
import type { RequestContext } from '#contracts/request.js';
import type { Commit } from '#libs/event-store/event.js';
import type { PresentContainer } from '../domain/container/container-state.js';
import type { ContainerDirectory, Containers } from './container-directory.js';
import type { ContainerLifecycle } from './container-lifecycle.js';
import type { ExitWaits } from './exit-waits.js';

/** What follows from a container's own events: waits end, --rm removes, the restart policy starts again. After a crash, goes on with what was half done. */
export class ContainerWatch {
  private readonly restarts = new Map<string, NodeJS.Timeout>();
  private unlisten: (() => void) | undefined;

  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly lifecycle: ContainerLifecycle,
    private readonly waits: ExitWaits,
    /** What is held of a container that is removed now. */
    private readonly forget: (container: string) => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.unlisten = this.containers.onCommit((id, commit, _state, live) => {
      if (live) for (const event of commit.events) this.see(id, event, commit);
    });
  }

  stop(): void {
    this.unlisten?.();
    for (const timer of this.restarts.values()) clearTimeout(timer);
    this.restarts.clear();
  }

  /** Each half-done operation is entered again where its events say it stood. */
  resume(): void {
    const asked: RequestContext = { actor: 'service:containers', correlationId: randomUUID(), causationId: 'recovery' };
    for (const container of this.directory.all()) {
      const { id } = container.spec;
      if (container.status === 'starting') this.go(this.lifecycle.launch(id, asked));
      else if (container.status === 'removing') this.go(this.lifecycle.finishRemove(id, asked));
      else if (container.status === 'restarting') this.schedule(id, container.restartDelayMs, asked);
      else if (container.status === 'running' && container.run.stopRequested) this.go(this.lifecycle.finishStop(id, asked));
      else if (isLeftover(container)) this.go(this.lifecycle.remove(id, { force: true, volumes: true }, asked));
    }
  }

  private see(id: string, event: ContainerEvent, commit: Commit<ContainerEvent>): void {
    const asked: RequestContext = { actor: 'service:containers', correlationId: commit.cause.correlationId, causationId: commit.id };
    this.waits.see(event);
    switch (event.type) {
      case 'ContainerExited': {
        const container = this.directory.get(id);
        if (container && isLeftover(container)) this.go(this.lifecycle.remove(id, { force: true, volumes: true }, asked));
        return;
      }
      case 'RestartScheduled':
        this.schedule(id, event.delayMs, asked);
        return;
      case 'StopRequested':
      case 'StartRequested':
        this.cancel(id);
        return;
      case 'ContainerRemoved':
        this.cancel(id);
        this.forget(id);
    }
  }

  private schedule(id: string, delayMs: number, asked: RequestContext): void {
    const restart = (): void => {
      this.restarts.delete(id);
      if (this.directory.get(id)?.status === 'restarting') this.go(this.lifecycle.start(id, 'restart-policy', asked));
    };
    this.restarts.set(id, setTimeout(restart, delayMs));
  }

  private cancel(id: string): void {
    clearTimeout(this.restarts.get(id));
    this.restarts.delete(id);
  }

  private go(work: Promise<unknown>): void {
    work.catch(this.onError);
  }
}

/** Its run is over, it was asked to go with it (--rm), and nobody restarts it. */
const isLeftover = ({ status, spec, run }: PresentContainer): boolean => status === 'exited' && run.finishedAt !== '' && (spec.hostConfig.AutoRemove ?? false);
