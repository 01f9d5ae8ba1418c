import type { ContainerEvent } from '#contracts/containers/events.js';
import type { TaskEvent } from '#contracts/executor/tasks.js';
import type { FoldedLog } from '#libs/event-store/fold.js';
import type { Snapshotted } from '#libs/event-store/snapshot-schedule.js';
import type { Exposition } from '#libs/telemetry/metrics/exposition.js';
import { LogFold } from '#libs/telemetry/metrics/log-fold.js';
import { sampledTrace } from '#libs/telemetry/metrics/measured.js';
import { type FrozenLifecycle, LIFECYCLE_FOLD, LifecycleMetrics } from '../../domain/metrics/lifecycle-metrics.js';
import { writeLifecycle } from '../../domain/metrics/write-lifecycle.js';
import type { StartPhases } from './start-phases.js';

/** The part of /metrics that this service writes. */
export class LifecycleSource {
  private readonly fold: LogFold<LifecycleMetrics>;

  constructor(
    store: FoldedLog,
    snapshotPath: string,
    private readonly phases: Pick<StartPhases, 'measured'>,
  ) {
    this.fold = new LogFold(store, {
      filters: ['berth.event.container.>', 'berth.event.task.>'],
      initial: () => new LifecycleMetrics(),
      evolve: (metrics, commit) => {
        const traceId = sampledTrace(commit.cause.traceparent);
        const facts = { atSeconds: Date.parse(commit.time) / 1000, actor: commit.cause.actor, ...(traceId === undefined ? {} : { traceId }) };
        // Subjects have one writer each, which validated what it wrote.
        for (const event of commit.events as readonly (ContainerEvent | TaskEvent)[]) metrics.evolve(event, facts);
      },
      snapshot: { path: snapshotPath, fold: LIFECYCLE_FOLD, freeze: (metrics) => metrics.freeze(), thaw: (frozen) => LifecycleMetrics.from(frozen as FrozenLifecycle) }, // what `freeze` gave
    });
  }

  /** What is saved along with the service's other folds. */
  get snapshotted(): Snapshotted {
    return this.fold;
  }

  async write(out: Exposition): Promise<void> {
    writeLifecycle(await this.fold.read(), Date.now() / 1000, out, this.phases.measured);
  }

  stop(): Promise<void> {
    return this.fold.stop();
  }
}
