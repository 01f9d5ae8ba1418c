import type { RequestContext } from '#contracts/request.js';
import type { Decider } from '#libs/event-store/decider.js';
import type { DomainEvent } from '#libs/event-store/event.js';
import { FINE_BOUNDS, Histogram } from '#libs/telemetry/metrics/histogram.js';
import { SparseBuckets } from '#libs/telemetry/metrics/sparse-buckets.js';
import { sampledTrace } from '#libs/telemetry/metrics/measured.js';
import type { MeasuredPhase, Outcome } from '../../domain/metrics/lifecycle-metrics.js';

/** Phases of starts that leave nothing on the log: counted by this process, from its start on. */
export class StartPhases {
  /** By "phase outcome". */
  readonly measured = new Map<`${MeasuredPhase} ${Outcome}`, Histogram>();

  /** Passes on what `work` yields, refusals too. A dry run does not count, nor what `counts` says no to. */
  async time<T>(phase: MeasuredPhase, asked: RequestContext, work: () => Promise<T>, counts: (result: T) => boolean = () => true): Promise<T> {
    if (asked.dryRun) return work();
    const start = performance.now();
    try {
      const result = await work();
      if (counts(result)) this.observe(phase, 'ok', start, asked);
      return result;
    } catch (error) {
      this.observe(phase, 'error', start, asked);
      throw error;
    }
  }

  /** The same decider, which counts what deciding on a start takes. */
  timed<State, Command extends { readonly type: string }, Event extends DomainEvent>(decider: Decider<State, Command, Event>): Decider<State, Command, Event> {
    const decide = (command: Command, state: State): readonly Event[] => {
      if (command.type !== 'Start') return decider.decide(command, state);
      const start = performance.now();
      let outcome: Outcome = 'error';
      try {
        const events = decider.decide(command, state);
        outcome = 'ok';
        return events;
      } finally {
        this.observe('decide', outcome, start);
      }
    };
    return { ...decider, decide };
  }

  private observe(phase: MeasuredPhase, outcome: Outcome, start: number, asked?: RequestContext): void {
    const key = `${phase} ${outcome}` as const;
    const histogram = this.measured.get(key) ?? new Histogram(phase === 'decide' ? DECIDE_BOUNDS : FINE_BOUNDS, new SparseBuckets());
    this.measured.set(key, histogram);
    const traceId = sampledTrace(asked?.traceparent);
    histogram.observe((performance.now() - start) / 1000, traceId === undefined ? undefined : { traceId, atSeconds: Date.now() / 1000 });
  }
}

/** Deciding is a function without a wait. */
const DECIDE_BOUNDS = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01];
