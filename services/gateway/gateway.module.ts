import { type DynamicModule, Logger, Module } from '@nestjs/common';
import { errorMessage } from '#libs/errors/errors.js';
import { BerthController } from './adapters/http/controllers/berth.controller.js';
import { CommitController } from './adapters/http/controllers/containers/commit.controller.js';
import { BerthCommandsController } from './adapters/http/controllers/berth-commands.controller.js';
import { ContainerController } from './adapters/http/controllers/containers/container.controller.js';
import { ContainerStreamsController } from './adapters/http/controllers/containers/container-streams.controller.js';
import { ContainerArchivesController } from './adapters/http/controllers/containers/container-archives.controller.js';
import { ContainerUsageController } from './adapters/http/controllers/containers/container-usage.controller.js';
import { EventsController } from './adapters/http/controllers/events.controller.js';
import { ExecController } from './adapters/http/controllers/containers/exec.controller.js';
import { ImageController } from './adapters/http/controllers/image.controller.js';
import { ImageStreamsController } from './adapters/http/controllers/image-streams.controller.js';
import { NetworkController } from './adapters/http/controllers/network.controller.js';
import { PluginController } from './adapters/http/controllers/plugin.controller.js';
import { PruneController } from './adapters/http/controllers/prune.controller.js';
import { RemovedController } from './adapters/http/controllers/removed.controller.js';
import { SystemController } from './adapters/http/controllers/system.controller.js';
import { VolumeController } from './adapters/http/controllers/volume.controller.js';
import { processNames, stateFolder } from '#libs/settings/services.js';
import { ChapterFiles } from './adapters/chapters/chapter-files.js';
import { ContainerFeed } from './application/container-feed.js';
import { EngineClient, type GatewayDependencies, PROCESSES, RUN_ROOT } from './application/engine-client.js';
import { EngineSource } from './application/engine-source.js';
import { EventFeed } from './application/event-feed.js';
import { UsageFeed } from './application/usage-feed.js';
import { LogChronicle } from './application/log-chronicle.js';
import { LogReading } from './application/log-reading.js';
import { LogVerification } from './application/log-verification.js';
import { OutputsUnderWay } from './application/outputs-under-way.js';
import { PruneLog } from './application/prune-log.js';

/** HTTP in, commands and queries out. Owns nothing. */
@Module({})
export class GatewayModule {
  static for(deps: GatewayDependencies): DynamicModule {
    const client = new EngineClient(deps);
    const state = stateFolder(deps.settings, 'gateway');
    const chronicle = new LogChronicle(deps.store, new ChapterFiles(`${state}/chapters`), `${state}/chronicle.snapshot`, (error) => new Logger('gateway').error(errorMessage(error)));
    const feed = new EventFeed(deps.store, chronicle);
    return {
      module: GatewayModule,
      controllers: [
        SystemController,
        EventsController,
        ContainerController,
        ContainerStreamsController,
        ContainerUsageController,
        ContainerArchivesController,
        CommitController,
        ExecController,
        ImageStreamsController,
        ImageController,
        VolumeController,
        NetworkController,
        PluginController,
        PruneController,
        BerthController,
        BerthCommandsController,
        RemovedController,
      ],
      providers: [
        { provide: EngineClient, useValue: client },
        { provide: OutputsUnderWay, useValue: new OutputsUnderWay() },
        { provide: ContainerFeed, useValue: new ContainerFeed(deps.store) },
        { provide: LogChronicle, useValue: chronicle },
        { provide: EventFeed, useValue: feed },
        { provide: EngineSource, useValue: new EngineSource(deps.store, client, feed, `${state}/engine-totals.snapshot`) },
        { provide: UsageFeed, useValue: new UsageFeed(client) },
        { provide: LogReading, useValue: new LogReading(deps.store, chronicle) },
        { provide: LogVerification, useValue: new LogVerification(deps.store) },
        { provide: PruneLog, useValue: new PruneLog(deps.store) },
        { provide: RUN_ROOT, useValue: deps.settings.runRoot },
        { provide: PROCESSES, useValue: processNames(deps.settings) },
      ],
    };
  }
}
