import { type DynamicModule, Inject, Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { ExecutorParts } from './executor-parts.js';
import { ExecutorController } from './executor.controller.js';

const RUN_ROOT = Symbol('run root');

/** The log first, then the shims that lived on meanwhile; only then are commands taken. */
@Injectable()
class ExecutorStart implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly parts: ExecutorParts,
    @Inject(RUN_ROOT) private readonly runRoot: string,
  ) {}

  onApplicationBootstrap(): Promise<void> {
    return this.parts.start(this.runRoot);
  }

  onApplicationShutdown(): Promise<void> {
    return this.parts.stop();
  }
}

@Module({})
export class ExecutorModule {
  static for(parts: ExecutorParts, runRoot: string): DynamicModule {
    return {
      module: ExecutorModule,
      controllers: [ExecutorController],
      providers: [ExecutorStart, { provide: ExecutorParts, useValue: parts }, { provide: RUN_ROOT, useValue: runRoot }],
    };
  }
}
