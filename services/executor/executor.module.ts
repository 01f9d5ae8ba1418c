import { type DynamicModule, Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
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
  static for(parts: ExecutorParts): DynamicModule {
    return {
      module: ExecutorModule,
      controllers: [ExecutorController],
      providers: [ExecutorStart, { provide: ExecutorParts, useValue: parts }],
    };
  }
}
