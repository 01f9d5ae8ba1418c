import { type DynamicModule, Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { ServiceDependencies } from '#libs/messaging/service.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { ContainerCommits } from './application/container-commits.js';
import { ContainerDirectory } from './application/container-directory.js';
import { ContainerEdits } from './application/container-edits.js';
import { ContainerLifecycle } from './application/container-lifecycle.js';
import { ContainerLinks } from './application/container-links.js';
import { ContainerPauses } from './application/container-pauses.js';
import { ContainerProtection } from './application/container-protection.js';
import { ContainerRenames } from './application/container-renames.js';
import { ContainerStreams } from './application/container-streams.js';
import { ContainerUpdates } from './application/container-updates.js';
import { ContainerArchives } from './application/container-archives.js';
import { ContainerCreation } from './application/create-container.js';
import { ExecSessions } from './application/exec-sessions.js';
import { ExitWaits } from './application/exit-waits.js';
import { HealthProbes } from './application/health-probes.js';
import { KeptContainers } from './application/kept-containers.js';
import { LifecycleSource } from './application/lifecycle-source.js';
import { ProcessLists } from './application/process-lists.js';
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
        { provide: HealthProbes, useValue: parts.probes },
        { provide: ExitWaits, useValue: parts.waits },
      ],
    };
  }
}
