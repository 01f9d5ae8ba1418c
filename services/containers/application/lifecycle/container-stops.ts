import type { Done, RequestContext } from '#contracts/request.js';
import { internal } from '#libs/errors/errors.js';
import { SIGKILL, signalNumber, stopSignalNumber } from '#libs/linux/signals.js';
import { isRunning, type PresentContainer } from '../../domain/container/container-state.js';
import { DEFAULT_STOP_TIMEOUT_SECONDS } from '../../domain/process/stop-timeout.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';
import type { ContainerPauses } from './container-pauses.js';
import type { ContainerStarts } from './container-starts.js';
import { LONGEST_TIMER_MS } from './longest-timer.js';
import { KILL_DEADLINE_MS, type RunEnds } from './run-ends.js';

type StopWish = NonNullable<PresentContainer['run']['stopRequested']>;

/** Stops: the intent, the container's own signal, and SIGKILL where that is not heeded in time. */
export class ContainerStops {
  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly starts: Pick<ContainerStarts, 'settled'>,
    private readonly ends: RunEnds,
    private readonly pauses: ContainerPauses,
  ) {}

  async stop(reference: string, wish: { signal?: string; timeoutSeconds?: number; restarts?: boolean }, asked: RequestContext): Promise<Done & { changed: boolean }> {
    const { spec } = this.directory.find(reference);
    const signal = wish.signal ? signalNumber(wish.signal) : stopSignalNumber(spec.config.StopSignal);
    const timeoutSeconds = wish.timeoutSeconds ?? spec.config.StopTimeout ?? DEFAULT_STOP_TIMEOUT_SECONDS;
    await this.starts.settled(spec.id);
    const { events, position, repeated } = await this.containers.execute(spec.id, { type: 'Stop', signal, timeoutSeconds, ...(wish.restarts ? { restarts: true } : {}), at: now() }, asked);
    if (repeated) {
      await this.ends.endedBefore(spec.id, position, timeoutSeconds < 0 ? LONGEST_TIMER_MS : timeoutSeconds * 1000 + KILL_DEADLINE_MS);
      return { position, changed: true };
    }
    if (asked.dryRun || events.length === 0) return { position, changed: events.length > 0 };
    await this.finish(spec.id, asked);
    return { position: this.containers.position, changed: true };
  }

  /** The part of a stop behind its intent. Where it fails, nobody goes on with it later, but for one that nobody was told of, being the engine's own. */
  async finish(id: string, asked: RequestContext): Promise<void> {
    const container = this.directory.get(id);
    const wish = container?.run.stopRequested;
    if (!container || !wish || !isRunning(container)) return;
    const isWished = (): boolean => this.directory.get(id)?.run.stopRequested === wish;
    await this.carryOutStop(container, wish, asked).catch((error: unknown) => (wish.startsAgain ? Promise.reject(error) : this.ends.failed(container, error, isWished, asked)));
  }

  private async carryOutStop(container: PresentContainer, wish: StopWish, asked: RequestContext): Promise<void> {
    const { id } = container.spec;
    const { start } = container.run;
    // One that began beside the intent: its shim cannot be spoken to before.
    await this.starts.settled(id);
    await this.ends.signal(id, start, wish.signal, true, asked);
    await this.pauses.thaw(id, asked);
    if (await this.ends.hasEnded(id, start, wish.timeoutSeconds < 0 ? LONGEST_TIMER_MS : wish.timeoutSeconds * 1000)) return;
    await this.ends.signal(id, start, SIGKILL, true, asked);
    if (!(await this.ends.hasEnded(id, start, KILL_DEADLINE_MS))) throw internal(`cannot stop container: ${container.spec.name}: tried to kill container, but did not receive an exit event`);
  }
}

const now = (): string => new Date().toISOString();
