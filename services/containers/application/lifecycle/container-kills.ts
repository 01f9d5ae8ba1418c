import type { Done, RequestContext } from '#contracts/request.js';
import { BerthError, internal, notFound } from '#libs/errors/errors.js';
import { SIGKILL } from '#libs/linux/signals.js';
import { type ContainerSpec, isPresent, type PresentContainer } from '../../domain/container/container-state.js';
import { killMeaning, killSignal } from '../../domain/process/kill-signal.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';
import type { ContainerPauses } from './container-pauses.js';
import type { ContainerStarts } from './container-starts.js';
import { KILL_DEADLINE_MS, type RunEnds } from './run-ends.js';

/** Signals that clients send, of which some end the run. */
export class ContainerKills {
  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly starts: Pick<ContainerStarts, 'settled'>,
    private readonly ends: RunEnds,
    private readonly pauses: ContainerPauses,
  ) {}

  async kill(reference: string, signalText: string | undefined, asked: RequestContext): Promise<Done> {
    const signal = killSignal(reference, signalText);
    await this.starts.settled(this.findForKill(reference).spec.id);
    const { id } = this.findForKill(reference).spec;
    const { state, events, position, repeated } = await this.containers.execute(id, { type: 'Kill', signal, at: now() }, asked);
    if (asked.dryRun || !isPresent(state) || !events.some(({ type }) => type === 'KillRequested')) return { position };
    if (repeated) {
      if (signal === SIGKILL) await this.ends.endedBefore(id, position, KILL_DEADLINE_MS);
      return { position };
    }
    // The run that the log has it of: another may have begun since this one was asked for.
    await this.finish(state.spec, state.run.start, signal, asked);
    return { position };
  }

  /** The part of a kill behind its intent. What ends a run surely fails as a stop does. */
  async finish(spec: ContainerSpec, start: number, signal: number, asked: RequestContext): Promise<void> {
    const container = this.directory.get(spec.id);
    const wish = container?.run.kill;
    const isWished = (): boolean => this.directory.get(spec.id)?.run.kill === wish;
    await this.carryOutKill(spec, start, signal, asked).catch((error: unknown) => (signal === SIGKILL && container?.run.start === start ? this.ends.failed(container, error, isWished, asked) : Promise.reject(error)));
  }

  private async carryOutKill({ id, name, config }: ContainerSpec, start: number, signal: number, asked: RequestContext): Promise<void> {
    const { ends, cancelsRestart } = killMeaning(signal, config.StopSignal);
    await this.starts.settled(id);
    await this.ends.signal(id, start, signal, ends, asked);
    // dockerd 20.10, daemon/kill.go: the same signals let a paused container go on to hear them.
    if (cancelsRestart) await this.pauses.thaw(id, asked);
    if (signal === SIGKILL && !(await this.ends.hasEnded(id, start, KILL_DEADLINE_MS))) throw internal(`cannot kill container: ${name}: tried to kill container, but did not receive an exit event`);
  }

  private findForKill(reference: string): PresentContainer {
    try {
      return this.directory.find(reference);
    } catch (error) {
      throw error instanceof BerthError && error.kind === 'not-found' ? notFound(`cannot kill container: ${reference}: ${error.message}`) : error;
    }
  }
}

const now = (): string => new Date().toISOString();
