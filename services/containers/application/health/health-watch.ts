import { randomUUID } from 'node:crypto';
import type { RequestContext } from '#contracts/request.js';
import type { LogFields } from '#libs/telemetry/log-record.js';
import type { Container, PresentContainer } from '../../domain/container/container-state.js';
import { nextProbeIn, probeCommand } from '../../domain/health/health.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';
import { LONGEST_TIMER_MS } from '../lifecycle/longest-timer.js';
import type { HealthProbes, Probed } from './health-probes.js';

/** When the engine could not ask. */
const RETRY_MS = 1_000;

interface Watched {
  readonly start: number;
  /** When the run began, by a clock that nobody sets: the start period is as long as it should be, whatever becomes of the time of day. */
  readonly begun: number;
  timer?: NodeJS.Timeout;
}

/** Probes each running container that has a health check, one probe at a time. When the next is due follows from the log: a restart of the engine forgets none. */
export class HealthWatch {
  private readonly watched = new Map<string, Watched>();
  private unlisten: (() => void) | undefined;

  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly probes: HealthProbes,
    private readonly onError: (error: unknown, about: LogFields) => void,
  ) {}

  start(): void {
    this.unlisten = this.containers.onCommit((id, _commit, state, live) => {
      if (live) this.look(id, state);
    });
    for (const container of this.directory.all()) {
      if (!isProbed(container)) continue;
      const asked = cause();
      this.probes.endForgotten(container.spec.id, asked).catch((error: unknown) => this.onError(error, { container: container.spec.id, correlationId: asked.correlationId }));
      this.look(container.spec.id, container);
    }
  }

  stop(): void {
    this.unlisten?.();
    for (const { timer } of this.watched.values()) clearTimeout(timer);
    this.watched.clear();
  }

  private look(id: string, state: Container): void {
    const known = this.watched.get(id);
    const run = isProbed(state) ? state.run : undefined;
    if (known?.start === run?.start) return;
    clearTimeout(known?.timer);
    this.watched.delete(id);
    if (run === undefined) return;
    const watched: Watched = { start: run.start, begun: performance.now() - Math.max(Date.now() - Date.parse(run.startedAt), 0) };
    this.watched.set(id, watched);
    this.schedule(id, watched);
  }

  private schedule(id: string, watched: Watched, leastMs = 0): void {
    const container = this.current(id, watched);
    if (!container?.health) return;
    const dueInMs = Math.max(nextProbeIn(container.health, container.spec.config.Healthcheck ?? {}, { startedAt: container.run.startedAt, now: Date.now(), ranMs: performance.now() - watched.begun }), leastMs);
    // Timers go by a clock that nobody sets.
    watched.timer = setTimeout(() => (dueInMs > LONGEST_TIMER_MS ? this.schedule(id, watched) : void this.probe(id, watched)), Math.min(dueInMs, LONGEST_TIMER_MS));
  }

  private async probe(id: string, watched: Watched): Promise<void> {
    const container = this.current(id, watched);
    if (!container) return;
    const asked = cause();
    const ranMs = performance.now() - watched.begun;
    try {
      const probed = await this.probes.run(container, asked);
      if (probed) await this.record(id, watched, { ...probed, ranMs }, asked);
      this.schedule(id, watched, probed ? 0 : RETRY_MS);
    } catch (error) {
      this.onError(error, { container: id, correlationId: asked.correlationId });
      this.schedule(id, watched, RETRY_MS);
    }
  }

  /** What the command came to is told, however long the log is away: the command is not run again meanwhile. */
  private async record(id: string, watched: Watched, probed: Probed & { readonly ranMs: number }, asked: RequestContext): Promise<void> {
    while (this.current(id, watched) !== undefined) {
      try {
        await this.containers.execute(id, { type: 'RecordProbe', start: watched.start, ...probed, at: new Date().toISOString() }, asked);
        return;
      } catch (error) {
        this.onError(error, { container: id, correlationId: asked.correlationId });
        await new Promise((resolve) => void setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }

  /** The container, while it is the run that is watched. */
  private current(id: string, watched: Watched): PresentContainer | undefined {
    return this.watched.get(id) === watched ? this.directory.get(id) : undefined;
  }
}

const isProbed = (state: Container): state is PresentContainer => state.status === 'running' && probeCommand(state.spec.config.Healthcheck) !== undefined;

const cause = (): RequestContext => ({ actor: 'service:containers', correlationId: randomUUID(), causationId: 'health-check' });
