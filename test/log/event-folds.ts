import type { Bus } from '#libs/messaging/bus.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import type { DomainEvent } from '#libs/event-store/event.js';
import { SnapshotSchedule } from '#libs/event-store/snapshot-schedule.js';
import { ContainersParts } from '../../services/containers/containers-parts.js';
import { TaskMemory } from '../../services/executor/application/tasks/task-memory.js';
import { freezeTask, type Task, taskDecider, thawTask } from '../../services/executor/domain/task/task-decider.js';
import { ContainerFeed } from '../../services/gateway/application/container-feed.js';
import { ChapterFiles } from '../../services/gateway/adapters/chapters/chapter-files.js';
import { LogChronicle } from '../../services/gateway/application/log-chronicle.js';
import { freezePool, poolDecider, thawPool } from '../../services/networks/domain/pool/pool-decider.js';
import { VolumesParts } from '../../services/volumes/volumes.module.js';

/** Every fold that the engine's processes keep of containers, wired to one log. */
export class EventFolds {
  readonly containers: ContainersParts;
  readonly volumes: VolumesParts;
  readonly tasks: Aggregates<Task, never, DomainEvent>;
  readonly memory: TaskMemory;
  readonly chronicle: LogChronicle;
  private readonly pools;
  private readonly feed: ContainerFeed;
  private readonly snapshots: SnapshotSchedule;

  constructor(store: EventStore, dataRoot: string) {
    // Of the settings the folds use the data root alone; of the bus only that it says yes, and that the host has nothing: a task whose container is gone by now is to be ended.
    const settings = { dataRoot, runRoot: dataRoot } as EngineSettings;
    const bus = { request: () => Promise.resolve({ position: 0, networks: [], whole: [], half: [] }) } as unknown as Bus;
    const onError = (error: unknown): never => {
      throw error;
    };
    this.containers = new ContainersParts({ store, bus, settings });
    this.volumes = new VolumesParts({ store, bus, settings });
    const path = (fold: string): string => `${dataRoot}/executor/${fold}.snapshot`;
    this.tasks = new Aggregates<Task, never, DomainEvent>(store, 'task', taskDecider as never, { source: 'executor', snapshot: { path: path('task'), fold: '1', freeze: freezeTask, thaw: thawTask } });
    this.memory = new TaskMemory(this.tasks, () => true);
    this.pools = new Aggregates(store, 'pool', poolDecider, { source: 'networks', snapshot: { path: path('pool'), fold: '1', freeze: freezePool, thaw: thawPool } });
    this.chronicle = new LogChronicle(store, new ChapterFiles(`${dataRoot}/chapters`), path('chronicle'), onError);
    this.feed = new ContainerFeed(store);
    this.snapshots = new SnapshotSchedule([this.tasks, this.pools], onError);
  }

  async start(): Promise<void> {
    await Promise.all([this.containers.start(), this.volumes.start(), this.tasks.start(), this.pools.start(), this.chronicle.start(), this.feed.start()]);
    this.snapshots.start();
  }

  async stop(): Promise<void> {
    await this.snapshots.stop();
    await Promise.all([this.containers.stop(), this.volumes.stop(), this.tasks.stop(), this.pools.stop(), this.chronicle.stop(), this.feed.stop()]);
  }
}
