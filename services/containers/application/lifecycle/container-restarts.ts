import type { Done, RequestContext } from '#contracts/request.js';
import { isToRestart } from '../../domain/container/container-state.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';
import type { ContainerStarts } from './container-starts.js';
import type { ContainerStops } from './container-stops.js';

/** Restarts that clients ask for: a stop and a start. (What restarts by its policy is ContainerWatch's.) */
export class ContainerRestarts {
  /** Settled when all of a container's are. */
  private readonly underWay = new Map<string, Promise<unknown>>();

  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly starts: Pick<ContainerStarts, 'start'>,
    private readonly stops: Pick<ContainerStops, 'stop'>,
  ) {}

  async restart(reference: string, wish: { signal?: string; timeoutSeconds?: number }, asked: RequestContext): Promise<Done> {
    const { id } = this.directory.find(reference).spec;
    const stopped = this.stops.stop(id, { ...wish, restarts: true }, asked);
    const restart = stopped.then(({ changed }) => (asked.dryRun && changed ? this.planStarted(id, asked) : this.starts.start(id, 'restart', asked)));
    const settled = Promise.allSettled([this.underWay.get(id), restart]).then(() => {
      if (this.underWay.get(id) === settled) this.underWay.delete(id);
    });
    this.underWay.set(id, settled);
    return restart;
  }

  private planStarted(id: string, asked: RequestContext): Promise<Done> {
    return this.containers.execute(id, { type: 'Start', reason: 'restart', stopped: true, at: now() }, asked);
  }

  /** The part of a restart behind its stop, where whoever asked for it is not there to go on with it. */
  async finish(id: string, asked: RequestContext): Promise<void> {
    await this.underWay.get(id);
    const container = this.directory.get(id);
    if (container && isToRestart(container)) await this.starts.start(id, 'restart', asked);
  }
}

const now = (): string => new Date().toISOString();
