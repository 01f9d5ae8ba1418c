import { join } from 'node:path';
import { type DynamicModule, Inject, Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { RequestContext } from '#contracts/request.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { SnapshotSchedule } from '#libs/event-store/snapshot-schedule.js';
import { retryUntilDone } from '#libs/messaging/retry.js';
import type { ServiceDependencies } from '#libs/messaging/service.js';
import { StreamServer } from '#libs/messaging/stream-server.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { readInsecureRegistries } from '#libs/settings/insecure-registries.js';
import { processFolder } from '#libs/settings/run-root.js';
import { processWith, stateFolder } from '#libs/settings/services.js';
import { logger } from '#libs/telemetry/logger.js';
import { ContentStore } from './adapters/content-store.js';
import { AddImage } from './application/add-image.js';
import { ClearImage } from './application/clear-image.js';
import { CollectBlobs } from './application/collect-blobs.js';
import { CommitContainerImage } from './application/commit-image.js';
import { type ImageAggregates, ImageDirectory } from './application/image-directory.js';
import { ImageHolds } from './application/image-holds.js';
import { ImageViews } from './application/image-views.js';
import { ImportArchive } from './application/import-image.js';
import { LateImages } from './application/late-images.js';
import { LayerHolds } from './application/layer-holds.js';
import { LoadArchive } from './application/load-images.js';
import { PullOneImage } from './application/pull-image.js';
import { RegistryLogins } from './application/registry-logins.js';
import { RemoveOneImage } from './application/remove-image.js';
import { SaveArchive } from './application/save-images.js';
import { TagOneImage } from './application/tag-image.js';
import { Turns } from './application/tag-turns.js';
import { UnsureImages } from './application/unsure-images.js';
import { IMAGE_FOLD, imageDecider } from './domain/image/image-decider.js';
import { ImagesController } from './images.controller.js';

const IMAGES: RequestContext = { actor: 'service:images', correlationId: 'recovery', causationId: 'recovery' };
const AGGREGATES = Symbol('aggregates');

@Injectable()
class ImagesStart implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = logger('images');
  private readonly stopping = new AbortController();
  private readonly snapshots: SnapshotSchedule;

  constructor(
    @Inject(AGGREGATES) private readonly aggregates: ImageAggregates,
    private readonly content: ContentStore,
    private readonly streams: StreamServer,
    private readonly add: AddImage,
    private readonly collect: CollectBlobs,
    private readonly late: LateImages,
  ) {
    this.snapshots = new SnapshotSchedule([aggregates], (error) => this.log.error('a snapshot could not be saved', { error }));
  }

  async onApplicationBootstrap(): Promise<void> {
    const warn = (error: unknown): void => this.log.warn('what a former engine left is not in order yet', { error });
    await this.content.open(warn);
    this.late.start();
    await this.aggregates.start();
    this.snapshots.start();
    await this.collect.leftOver();
    void retryUntilDone(() => this.add.keepLayers(IMAGES, warn), this.stopping.signal, warn);
    await this.streams.listen();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    this.late.stop();
    await this.streams.close();
    await this.snapshots.stop();
    await this.aggregates.stop();
  }
}

@Module({})
export class ImagesModule {
  static for({ settings, store, bus }: ServiceDependencies<EngineSettings>, environment: NodeJS.ProcessEnv = process.env): DynamicModule {
    const aggregates: ImageAggregates = new Aggregates(store, 'image', imageDecider, {
      source: 'images',
      isGone: (image) => image.status === 'absent',
      snapshot: {
        path: `${stateFolder(settings, 'images')}/image.snapshot`,
        fold: IMAGE_FOLD,
        beside: { freeze: () => directory.freeze(), thaw: (frozen) => directory.thaw(frozen) },
      },
    });
    const directory = new ImageDirectory(aggregates);
    const content = new ContentStore(settings.dataRoot);
    const turns = new Turns();
    const layers = new LayerHolds(directory, bus);
    const onError = (error: unknown): void => logger('images').error('what no image needs could not be removed', { error });
    const collect = new CollectBlobs(directory, content, onError);
    const unsure = new UnsureImages(aggregates, directory, content, collect, onError);
    const add = new AddImage(aggregates, directory, content, unsure, layers, bus, turns);
    const clear = new ClearImage(collect, layers);
    const holds = new ImageHolds(directory, turns);
    const insecure = readInsecureRegistries(environment);
    return {
      module: ImagesModule,
      controllers: [ImagesController],
      providers: [
        ImagesStart,
        { provide: AGGREGATES, useValue: aggregates },
        { provide: ContentStore, useValue: content },
        { provide: StreamServer, useValue: new StreamServer(join(processFolder(settings, processWith(settings, 'images')), 'images.sock')) },
        { provide: AddImage, useValue: add },
        { provide: CollectBlobs, useValue: collect },
        { provide: LateImages, useValue: new LateImages(aggregates, directory, content, unsure, clear, bus, turns, holds, onError) },
        { provide: ImageViews, useValue: new ImageViews(directory, content) },
        { provide: PullOneImage, useValue: new PullOneImage(directory, content, add, collect, insecure) },
        { provide: LoadArchive, useValue: new LoadArchive(content, add, collect) },
        { provide: ImportArchive, useValue: new ImportArchive(content, add, collect) },
        { provide: CommitContainerImage, useValue: new CommitContainerImage(directory, content, add, collect, bus) },
        { provide: RegistryLogins, useValue: new RegistryLogins(insecure) },
        { provide: SaveArchive, useValue: new SaveArchive(aggregates, directory, content, collect) },
        { provide: TagOneImage, useValue: new TagOneImage(aggregates, directory, unsure, turns) },
        { provide: RemoveOneImage, useValue: new RemoveOneImage(aggregates, directory, clear, unsure, bus, turns, holds) },
        { provide: ImageHolds, useValue: holds },
      ],
    };
  }
}
