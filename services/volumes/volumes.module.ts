import { type DynamicModule, Inject, Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { ContainerEvent } from '#contracts/containers/events.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import type { Following } from '#libs/event-store/event-store.js';
import type { ServiceDependencies } from '#libs/messaging/service.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { type VolumeAggregates, Volumes } from './application/volumes.js';
import { volumeDecider } from './domain/volume/volume-decider.js';
import { VolumesController } from './volumes.controller.js';

const DEPENDENCIES = Symbol('dependencies');

@Injectable()
class VolumesStart implements OnApplicationBootstrap, OnApplicationShutdown {
  private following: Following | undefined;

  constructor(
    @Inject(DEPENDENCIES) private readonly deps: ServiceDependencies<EngineSettings>,
    @Inject('aggregates') private readonly aggregates: VolumeAggregates,
    private readonly volumes: Volumes,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.aggregates.start();
    this.following = await this.deps.store.follow(['berth.event.container.>'], 0, (commit) => {
      for (const event of commit.events) this.volumes.see(event as ContainerEvent);
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.following?.stop();
  }
}

@Module({})
export class VolumesModule {
  static for(deps: ServiceDependencies<EngineSettings>): DynamicModule {
    const aggregates: VolumeAggregates = new Aggregates(deps.store, 'volume', volumeDecider, { source: 'volumes', isGone: (volume) => volume.status === 'absent' });
    return {
      module: VolumesModule,
      controllers: [VolumesController],
      providers: [VolumesStart, { provide: DEPENDENCIES, useValue: deps }, { provide: 'aggregates', useValue: aggregates }, { provide: Volumes, useValue: new Volumes(aggregates, deps.bus, deps.settings.dataRoot) }],
    };
  }
}
