import { type DynamicModule, Inject, Injectable, Logger, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { errorMessage } from '#libs/errors/errors.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { retryUntilDone } from '#libs/messaging/retry.js';
import type { ServiceDependencies } from '#libs/messaging/service.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { VolumeReferences } from './application/volume-references.js';
import { type VolumeAggregates, Volumes } from './application/volumes.js';
import { volumeDecider } from './domain/volume/volume-decider.js';
import { VolumesController } from './volumes.controller.js';

@Injectable()
class VolumesStart implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('volumes');
  private readonly stopping = new AbortController();

  constructor(
    @Inject('aggregates') private readonly aggregates: VolumeAggregates,
    private readonly volumes: Volumes,
    private readonly references: VolumeReferences,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.aggregates.start();
    await this.references.start();
    void retryUntilDone(() => this.volumes.reconcile(), this.stopping.signal, (error) => this.logger.warn(errorMessage(error)));
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.references.stop();
  }
}

@Module({})
export class VolumesModule {
  static for(deps: ServiceDependencies<EngineSettings>): DynamicModule {
    const references = new VolumeReferences(deps.store);
    const aggregates: VolumeAggregates = new Aggregates(deps.store, 'volume', volumeDecider, { source: 'volumes' });
    return {
      module: VolumesModule,
      controllers: [VolumesController],
      providers: [
        VolumesStart,
        { provide: 'aggregates', useValue: aggregates },
        { provide: VolumeReferences, useValue: references },
        { provide: Volumes, useValue: new Volumes(aggregates, deps.bus, deps.settings.dataRoot, references) },
      ],
    };
  }
}
