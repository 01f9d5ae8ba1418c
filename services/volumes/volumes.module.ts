import { type DynamicModule, Injectable, Logger, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { ContainerEvent } from '#contracts/containers/events.js';
import { errorMessage } from '#libs/errors/errors.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { Fold } from '#libs/event-store/fold.js';
import { SnapshotSchedule } from '#libs/event-store/snapshot-schedule.js';
import type { ServiceDependencies } from '#libs/messaging/service.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { type VolumeAggregates, Volumes } from './application/volumes.js';
import { VOLUME_FOLD, volumeDecider } from './domain/volume/volume-decider.js';
import { VolumesController } from './volumes.controller.js';

/** Everything the service consists of, wired by hand: plain classes that list what they use. */
export class VolumesParts {
  readonly aggregates: VolumeAggregates;
  readonly volumes: Volumes;
  /** Which volumes containers refer to. */
  private readonly references: Fold;
  private readonly snapshots: SnapshotSchedule;

  constructor({ store, bus, settings }: ServiceDependencies<EngineSettings>) {
    const logger = new Logger('volumes');
    const path = (fold: string): string => `${settings.dataRoot}/state/${fold}.snapshot`;
    this.aggregates = new Aggregates(store, 'volume', volumeDecider, { source: 'volumes', isGone: (volume) => volume.status === 'absent', snapshot: { path: path('volume'), fold: VOLUME_FOLD } });
    this.volumes = new Volumes(this.aggregates, bus, settings.dataRoot);
    this.references = new Fold(store, {
      filters: ['berth.event.container.>'],
      see: (commit) => {
        for (const event of commit.events) this.volumes.see(event as ContainerEvent); // only the containers service may write these subjects
      },
      snapshot: { path: path('volume-references'), fold: '1', freeze: () => this.volumes.freeze(), thaw: (frozen) => this.volumes.thaw(frozen) },
    });
    this.snapshots = new SnapshotSchedule([this.aggregates, this.references], (error) => logger.error(errorMessage(error)));
  }

  async start(): Promise<void> {
    await Promise.all([this.aggregates.start(), this.references.start()]);
    this.snapshots.start();
  }

  async stop(): Promise<void> {
    await this.snapshots.stop();
    await Promise.all([this.aggregates.stop(), this.references.stop()]);
  }
}

@Injectable()
class VolumesStart implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly parts: VolumesParts) {}

  onApplicationBootstrap(): Promise<void> {
    return this.parts.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.parts.stop();
  }
}

@Module({})
export class VolumesModule {
  static for(deps: ServiceDependencies<EngineSettings>): DynamicModule {
    const parts = new VolumesParts(deps);
    return {
      module: VolumesModule,
      controllers: [VolumesController],
      providers: [VolumesStart, { provide: VolumesParts, useValue: parts }, { provide: Volumes, useValue: parts.volumes }],
    };
  }
}
