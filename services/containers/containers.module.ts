import { type DynamicModule, Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Aggregates } from '#libs/event-store/aggregates.js';
import type { ServiceDependencies } from '#libs/messaging/service.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import type { LogFields } from '#libs/telemetry/log-record.js';
import { logger } from '#libs/telemetry/logger.js';
import { ContainerDirectory, type Containers, type Execs, type Names } from './application/container-directory.js';
import { ContainerLifecycle } from './application/container-lifecycle.js';
import { ContainerStreams } from './application/container-streams.js';
import { ContainerWatch } from './application/container-watch.js';
import { ContainerCreation } from './application/create-container.js';
import { ExecRuns } from './application/exec-runs.js';
import { ExecSessions } from './application/exec-sessions.js';
import { ExitWaits } from './application/exit-waits.js';
import { LifecycleSource } from './application/lifecycle-source.js';
import { PendingAttaches } from './application/pending-attaches.js';
import { TaskWatch } from './application/task-watch.js';
import { ContainersController } from './containers.controller.js';
import { containerDecider } from './domain/container/container-decider.js';
import { execDecider } from './domain/exec/exec-decider.js';
import { nameDecider } from './domain/name/name-decider.js';

/** Everything the service consists of, wired by hand: plain classes that list what they use. */
class ContainersParts {
  readonly containers: Containers;
  readonly names: Names;
  readonly execs: Execs;
  readonly execRuns = new ExecRuns();
  readonly attaches = new PendingAttaches();
  readonly directory: ContainerDirectory;
  readonly waits: ExitWaits;
  readonly lifecycle: ContainerLifecycle;
  readonly creation: ContainerCreation;
  readonly streams: ContainerStreams;
  readonly execSessions: ExecSessions;
  readonly containerWatch: ContainerWatch;
  readonly taskWatch: TaskWatch;
  readonly metrics: LifecycleSource;

  constructor({ store, bus, settings }: ServiceDependencies<EngineSettings>) {
    const source = { source: 'containers' };
    const log = logger('containers');
    const onError = (error: unknown, about: LogFields): void => log.error('what had to follow an event failed', { ...about, error });
    this.containers = new Aggregates(store, 'container', containerDecider, { ...source, isGone: (state) => state.status === 'absent' });
    this.names = new Aggregates(store, 'name', nameDecider, source);
    this.execs = new Aggregates(store, 'exec', execDecider, source);
    this.directory = new ContainerDirectory(this.containers, this.names, this.execRuns, settings.dataRoot);
    this.waits = new ExitWaits(this.directory);
    this.lifecycle = new ContainerLifecycle(this.containers, this.names, this.directory, this.waits, this.attaches, bus);
    this.creation = new ContainerCreation(this.containers, this.names, this.directory, bus);
    this.streams = new ContainerStreams(this.containers, this.directory, this.attaches, bus, settings.runRoot);
    this.execSessions = new ExecSessions(this.execs, this.execRuns, this.directory, bus, settings.runRoot);
    this.containerWatch = new ContainerWatch(this.containers, this.directory, this.lifecycle, this.waits, this.execRuns, onError);
    this.taskWatch = new TaskWatch(store, this.containers, this.lifecycle, this.execRuns, onError);
    this.metrics = new LifecycleSource(store);
  }
}

/** Folds first, then what tasks did meanwhile, then what is left half done. */
@Injectable()
class ContainersStart implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly parts: ContainersParts) {}

  async onApplicationBootstrap(): Promise<void> {
    const { containers, names, execs, containerWatch, taskWatch } = this.parts;
    await Promise.all([containers.start(), names.start(), execs.start()]);
    containerWatch.start();
    await taskWatch.start();
    await containerWatch.resume();
  }

  async onApplicationShutdown(): Promise<void> {
    this.parts.containerWatch.stop();
    await this.parts.taskWatch.stop();
    await this.parts.metrics.stop();
  }
}

@Module({})
export class ContainersModule {
  static for(deps: ServiceDependencies<EngineSettings>): DynamicModule {
    const parts = new ContainersParts(deps);
    return {
      module: ContainersModule,
      controllers: [ContainersController],
      providers: [
        ContainersStart,
        { provide: ContainersParts, useValue: parts },
        { provide: ContainerDirectory, useValue: parts.directory },
        { provide: ContainerLifecycle, useValue: parts.lifecycle },
        { provide: ContainerCreation, useValue: parts.creation },
        { provide: ContainerStreams, useValue: parts.streams },
        { provide: ExecSessions, useValue: parts.execSessions },
        { provide: LifecycleSource, useValue: parts.metrics },
        { provide: ExitWaits, useValue: parts.waits },
      ],
    };
  }
}
