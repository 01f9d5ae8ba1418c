import { EndTask, SignalTask } from '#contracts/executor/tasks.js';
import type { RequestContext } from '#contracts/request.js';
import { errorMessage } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import type { PresentContainer } from '../../domain/container/container-state.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';
import { earlierOutcome } from './earlier-outcome.js';
import type { ExitWaits } from './exit-waits.js';
import type { Outcomes } from './outcome-retries.js';

/** How long a killed process may take to be gone before we say so. */
export const KILL_DEADLINE_MS = 10_000;
/** An executor that was killed is back by then; what it was asked and did not answer, it is asked again. All but signals mean the same when given twice. */
export const AGAIN = { timeoutMs: 60_000, askAgainMs: 500 };
/** One that ends a container is better sent twice than not at all; of any other, nobody knows what a second would do. */
const SIGNAL = { ends: { askAgainMs: 5_000 }, other: { timeoutMs: 10_000, askAgainMs: Infinity } };

/** How a run is brought to its end, whoever wants it: by a stop, a kill, or a removal. */
export class RunEnds {
  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly waits: ExitWaits,
    private readonly outcomes: Pick<Outcomes, 'tell'>,
    private readonly bus: Bus,
  ) {}

  async signal(container: string, start: number, signal: number, ends: boolean, asked: RequestContext): Promise<void> {
    // One request may send several signals: its key does not make them one.
    const { idempotencyKey: _key, ...cause } = asked;
    await this.bus.request(SignalTask, { container, start, signal, ends }, cause, ends ? SIGNAL.ends : SIGNAL.other);
  }

  /** Ends a run, whatever it is doing. Resolves when its end is on the log. */
  async endTask(container: string, start: number, asked: RequestContext): Promise<void> {
    await this.bus.request(EndTask, { container, start }, asked, AGAIN);
  }

  /** Whether a run that was given its signal is over, or is soon: an executor that was away took it later than it was asked to, and nothing ends before. */
  async hasEnded(id: string, start: number, deadlineMs: number): Promise<boolean> {
    return this.directory.get(id)?.run.start !== start || (await this.waits.ended(id, deadlineMs)).done;
  }

  /** Of a run whose end the same request asked for before, at `position`: its effects are under way, or over. Rejects with what they failed for. */
  async endedBefore(id: string, position: number, deadlineMs: number): Promise<void> {
    const outcome = () => earlierOutcome(this.containers, id, position, ['ContainerExited', 'StopFailed']);
    if ((await outcome()) !== undefined) return;
    const { stopRequested, kill } = this.directory.get(id)?.run ?? {};
    if (stopRequested === undefined && kill === undefined) return;
    await this.waits.ended(id, deadlineMs);
    await outcome();
  }

  /** Always rejects, with `error`: whoever asked for the end of the run is told, and the log with them. */
  async failed({ spec: { id }, run: { start } }: PresentContainer, error: unknown, isWished: () => boolean, asked: RequestContext): Promise<never> {
    // The request's key is the intent's.
    const { idempotencyKey: _key, ...cause } = asked;
    const record = () => this.containers.execute(id, { type: 'RecordStopFailed', start, error: errorMessage(error), at: now() }, cause);
    // Later, somebody may have asked anew.
    await this.outcomes.tell(id, record, cause, async () => isWished() && record()).catch(() => undefined);
    throw error;
  }
}

const now = (): string => new Date().toISOString();
