import { type DynamicModule, Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { ServiceDependencies } from '#libs/messaging/service.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { ContainerCommits } from './application/definition/container-commits.js';
import { ContainerDirectory } from './application/names/container-directory.js';
import { ContainerEdits } from './application/definition/container-edits.js';
import { ContainerLifecycle } from './application/lifecycle/container-lifecycle.js';
import { ContainerLinks } from './application/names/container-links.js';
import { ContainerPauses } from './application/lifecycle/container-pauses.js';
import { ContainerProtection } from './application/definition/container-protection.js';
import { ContainerRenames } from './application/names/container-renames.js';
import { ContainerStreams } from './application/streams/container-streams.js';
import { ContainerUpdates } from './application/definition/container-updates.js';
import { ContainerArchives } from './application/streams/container-archives.js';
import { ContainerCreation } from './application/definition/create-container.js';
import { ExecSessions } from './application/processes/exec-sessions.js';
import { ExitWaits } from './application/lifecycle/exit-waits.js';
import { HealthProbes } from './application/health/health-probes.js';
import { KeptContainers } from './application/undo/kept-containers.js';
import { LifecycleSource } from './application/lifecycle/lifecycle-source.js';
import { StartPhases } from './application/lifecycle/start-phases.js';
import { ProcessLists } from './application/processes/process-lists.js';
import { ContainersParts } from './containers-parts.js';
import { BerthCommandsController } from './berth-commands.controller.js';
import { ContainersController } from './containers.controller.js';

@Injectable()
class ContainersStart implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly parts: ContainersParts) {}

  onApplicationBootstrap(): Promise<void> {
    return this.parts.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.parts.stop();
  }
}

@Module({})
export class ContainersModule {
  static for(deps: ServiceDependencies<EngineSettings>): DynamicModule {
    const parts = new ContainersParts(deps);
    return {
      module: ContainersModule,
      controllers: [ContainersController, BerthCommandsController],
      providers: [
        ContainersStart,
        { provide: ContainersParts, useValue: parts },
        { provide: ContainerDirectory, useValue: parts.directory },
        { provide: ContainerLifecycle, useValue: parts.lifecycle },
        { provide: ContainerLinks, useValue: parts.links },
        { provide: ContainerRenames, useValue: parts.renames },
        { provide: ContainerPauses, useValue: parts.pauses },
        { provide: ContainerProtection, useValue: parts.protection },
        { provide: ContainerEdits, useValue: parts.edits },
        { provide: KeptContainers, useValue: parts.kept },
        { provide: ContainerUpdates, useValue: parts.updates },
        { provide: ContainerCommits, useValue: parts.commits },
        { provide: ContainerCreation, useValue: parts.creation },
        { provide: ContainerStreams, useValue: parts.streams },
        { provide: ContainerArchives, useValue: parts.archives },
        { provide: ProcessLists, useValue: parts.processes },
        { provide: ExecSessions, useValue: parts.execSessions },
        { provide: LifecycleSource, useValue: parts.metrics },
        { provide: StartPhases, useValue: parts.phases },
        { provide: HealthProbes, useValue: parts.probes },
        { provide: ExitWaits, useValue: parts.waits },
      ],
    };
  }
}
