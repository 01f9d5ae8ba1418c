import { type DynamicModule, Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { ServiceDependencies } from '#libs/messaging/service.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { ExecutorParts } from './executor-parts.js';
import { ExecutorController } from './executor.controller.js';

/** The log first, then the shims that lived on meanwhile; only then are commands taken. */
@Injectable()
class ExecutorStart implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly parts: ExecutorParts) {}

  onApplicationBootstrap(): Promise<void> {
    return this.parts.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.parts.stop();
  }
}

@Module({})
export class ExecutorModule {
  /** `group`: gid that may open streams of this executor and its shims. */
  static for(deps: Pick<ServiceDependencies<EngineSettings>, 'store' | 'settings'>, group: number): DynamicModule {
    return {
      module: ExecutorModule,
      controllers: [ExecutorController],
      providers: [ExecutorStart, { provide: ExecutorParts, useValue: new ExecutorParts(deps, group) }],
    };
  }
}
