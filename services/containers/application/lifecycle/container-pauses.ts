import { FreezeTask, ThawTask } from '#contracts/executor/tasks.js';
import type { Done, RequestContext } from '#contracts/request.js';
import { errorMessage } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';
import { earlierOutcome } from './earlier-outcome.js';
import type { Outcomes } from './outcome-retries.js';

/** Both mean the same when given twice, so an executor that was killed is asked again: one that lives waits up to 30 s for execs that have begun, and 10 s for the processes to stop. */
const AGAIN = { timeoutMs: 60_000, askAgainMs: 45_000 };

/** Pause and unpause: the intent first, then the kernel, then what became of it. */
export class ContainerPauses {
  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly outcomes: Pick<Outcomes, 'tell'>,
    private readonly bus: Bus,
    /** Resolves once a start of it that is under way has ended: its command may have said before that it is ready to be paused. */
    private readonly startSettled: (id: string) => Promise<void>,
  ) {}

  pause(reference: string, asked: RequestContext): Promise<Done> {
    return this.change(reference, 'Pause', asked);
  }

  unpause(reference: string, asked: RequestContext): Promise<Done> {
    return this.change(reference, 'Unpause', asked);
  }

  /** The part behind the intent, whichever it was. */
  finish(id: string, asked: RequestContext): Promise<Done> {
    const { changing, start } = this.directory.get(id)?.run ?? {};
    if (changing === undefined || start === undefined) return Promise.resolve({ position: this.containers.position });
    return changing === 'pausing' ? this.freeze(id, start, asked) : this.thaw(id, asked);
  }

  /** Lets a paused container's processes run on, such as to hear the signal that ends them. Nothing to do for any other. */
  async thaw(id: string, asked: RequestContext): Promise<Done> {
    const container = this.directory.get(id);
    if (container?.status !== 'paused') return { position: this.containers.position };
    const { start } = container.run;
    await this.bus.request(ThawTask, { container: id, start }, asked, AGAIN);
    return this.record(id, { type: 'RecordUnpaused', start }, asked);
  }

  private async change(reference: string, type: 'Pause' | 'Unpause', asked: RequestContext): Promise<Done> {
    const { id } = this.directory.find(reference).spec;
    await this.startSettled(id);
    const { position, repeated } = await this.containers.execute(id, { type, at: now() }, asked);
    if (asked.dryRun) return { position };
    // What a thaw fails for is not on the log: it is tried again.
    if (repeated && type === 'Pause' && (await earlierOutcome(this.containers, id, position, ['ContainerPaused', 'PauseFailed', 'ContainerExited']))) return { position };
    return this.finish(id, asked);
  }

  private async freeze(container: string, start: number, asked: RequestContext): Promise<Done> {
    try {
      await this.bus.request(FreezeTask, { container, start }, asked, AGAIN);
    } catch (error) {
      // Nobody answered: it may be frozen all the same.
      await this.bus.request(ThawTask, { container, start }, asked, AGAIN).catch(() => undefined);
      await this.record(container, { type: 'RecordPauseFailed', start, error: errorMessage(error) }, asked);
      throw error;
    }
    return this.record(container, { type: 'RecordPaused', start }, asked);
  }

  private async record(id: string, outcome: { type: 'RecordPaused' | 'RecordUnpaused'; start: number } | { type: 'RecordPauseFailed'; start: number; error: string }, asked: RequestContext): Promise<Done> {
    // The request's key is the intent's.
    const { idempotencyKey: _key, ...cause } = asked;
    const { position } = await this.outcomes.tell(id, () => this.containers.execute(id, { ...outcome, at: now() }, cause), cause);
    return { position };
  }
}

const now = (): string => new Date().toISOString();
