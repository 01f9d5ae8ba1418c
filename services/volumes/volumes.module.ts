import { type DynamicModule, Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { SnapshotSchedule } from '#libs/event-store/snapshot-schedule.js';
import { retryUntilDone } from '#libs/messaging/retry.js';
import type { ServiceDependencies } from '#libs/messaging/service.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { stateFolder } from '#libs/settings/services.js';
import { logger } from '#libs/telemetry/logger.js';
import { type VolumeAggregates, VolumeDirectories } from './application/volume-directories.js';
import { VolumeReferences } from './application/volume-references.js';
import { Volumes } from './application/volumes.js';
import { VOLUME_FOLD, volumeDecider } from './domain/volume/volume-decider.js';
import { VolumesController } from './volumes.controller.js';

/** Compose and scripts give the same names again and again. */
const NAMES_THAT_MAY_RETURN = 1_024;

/** Everything the service consists of, wired by hand: plain classes that list what they use. */
export class VolumesParts {
  readonly aggregates: VolumeAggregates;
  readonly volumes: Volumes;
  private readonly directories: VolumeDirectories;
  private readonly references: VolumeReferences;
  private readonly snapshots: SnapshotSchedule;
  private readonly stopping = new AbortController();
  private readonly log = logger('volumes');

  constructor({ store, bus, settings }: ServiceDependencies<EngineSettings>) {
    const path = (fold: string): string => `${stateFolder(settings, 'volumes')}/${fold}.snapshot`;
    this.references = new VolumeReferences(store, path('volume-references'), (container) => this.volumes.removeVolumesOf(container));
    this.aggregates = new Aggregates(store, 'volume', volumeDecider, { source: 'volumes', isGone: (volume) => volume.status === 'absent', mayReturn: NAMES_THAT_MAY_RETURN, snapshot: { path: path('volume'), fold: VOLUME_FOLD } });
    this.directories = new VolumeDirectories(this.aggregates, bus, this.references);
    this.volumes = new Volumes(this.aggregates, this.directories, bus, settings.dataRoot, this.references, (error) => this.log.error('a volume does not follow the log yet: it is tried again', { error }));
    this.snapshots = new SnapshotSchedule([this.aggregates, this.references], (error) => this.log.error('a snapshot could not be saved', { error }));
  }

  async start(): Promise<void> {
    this.directories.start();
    this.volumes.start();
    await this.aggregates.start();
    await this.references.start();
    void retryUntilDone(() => this.volumes.reconcile(), this.stopping.signal, (error) => this.log.warn('what was cut short cannot be finished yet: it is tried again', { error }));
    this.snapshots.start();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.volumes.stop();
    this.directories.stop();
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
