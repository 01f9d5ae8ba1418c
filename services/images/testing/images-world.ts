import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect } from 'vitest';
import { ListContainers } from '#contracts/containers/queries.js';
import { OpenRootLayer } from '#contracts/executor/archives.js';
import { KeepLayers, RemoveLayer, UnpackLayer } from '#contracts/executor/host.js';
import type { RequestContext, StreamEndpoint } from '#contracts/request.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { StallingEventStore } from '#libs/event-store/testing/stalling-event-store.js';
import type { Bus } from '#libs/messaging/bus.js';
import { openStream } from '#libs/messaging/open-stream.js';
import { StreamServer } from '#libs/messaging/stream-server.js';
import { withToldEnd } from '#libs/messaging/told-end.js';
import { wholeOf } from '#libs/messaging/whole-stream.js';
import { ContentStore } from '../adapters/content-store.js';
import { AddImage } from '../application/add-image.js';
import { ClearImage } from '../application/clear-image.js';
import { CollectBlobs } from '../application/collect-blobs.js';
import { CommitContainerImage } from '../application/commit-image.js';
import { type ImageAggregates, ImageDirectory } from '../application/image-directory.js';
import { ImageHolds } from '../application/image-holds.js';
import { ImageViews } from '../application/image-views.js';
import { ImportArchive } from '../application/import-image.js';
import { LateImages } from '../application/late-images.js';
import { LayerHolds } from '../application/layer-holds.js';
import { LoadArchive } from '../application/load-images.js';
import { PullOneImage } from '../application/pull-image.js';
import { RegistryLogins } from '../application/registry-logins.js';
import { RemoveOneImage } from '../application/remove-image.js';
import { SaveArchive } from '../application/save-images.js';
import { TagOneImage } from '../application/tag-image.js';
import { Turns } from '../application/tag-turns.js';
import { UnsureImages } from '../application/unsure-images.js';
import { imageDecider } from '../domain/image/image-decider.js';
import { ImagesController } from '../images.controller.js';

export const asked: RequestContext = { actor: 'test', correlationId: 'c', causationId: 'c' };

export const lines = (bytes: Buffer): Record<string, unknown>[] => bytes.toString().trim().split('\r\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);

/** The images service on a log that can lose commits and be late with them, with a directory of its own, beside an executor that only takes note. */
export class ImagesWorld {
  readonly top = mkdtempSync(join(tmpdir(), 'images-'));
  readonly store = new StallingEventStore();
  readonly users: { id: string; imageId: string; status: string; restoring?: boolean }[] = [];
  unpacked: UnpackLayer[] = [];
  readonly removedLayers: string[] = [];
  /** Chain ids of the layers that the executor has. */
  readonly onDisk = new Set<string>();
  /** What it does while it unpacks, and before it removes a layer. */
  unpacking: () => Promise<unknown> = () => Promise.resolve();
  beforeRemoval: () => Promise<void> = () => Promise.resolve();
  /** The layer of what a container wrote. */
  written: Buffer = Buffer.alloc(0);
  /** When the service begins. */
  keepingLayers: () => Promise<void> = () => Promise.resolve();
  /** What could not be removed: of layers then, and of blobs at any time. */
  readonly notRemoved: unknown[] = [];
  /** While the containers are asked for. */
  beforeListing: () => Promise<void> = () => Promise.resolve();

  private constructor() {}

  private parts!: { readonly images: ImagesController; readonly late: LateImages; readonly streams: StreamServer };

  static async open(): Promise<ImagesWorld> {
    const world = new ImagesWorld();
    await world.start();
    return world;
  }

  get images(): ImagesController {
    return this.parts.images;
  }

  /** The service ends and begins again; what is late on its way to the log may come after that. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async close(): Promise<void> {
    await this.stop();
    await this.store.close();
    rmSync(this.top, { recursive: true });
  }

  async talk(endpoint: StreamEndpoint, input?: Buffer): Promise<Buffer> {
    const socket = await openStream(endpoint);
    if (input) withToldEnd(socket).end(input);
    return await buffer(wholeOf(socket));
  }

  async load(archive: Buffer, platform?: string): Promise<Record<string, unknown>[]> {
    return lines(await this.talk(this.images.load({ quiet: true, platform } as never, asked), archive));
  }

  blobs(): string[] {
    return readdirSync(join(this.top, 'content/blobs/sha256')).sort();
  }

  private async start(): Promise<void> {
    const bus = {
      request: async (type: { subject: string }, data: object) => {
        if (type.subject === ListContainers.subject) {
          const containers = this.users.filter(({ restoring = false }) => !restoring || (data as ListContainers).restoring);
          await this.beforeListing();
          return { containers, position: 0 };
        }
        if (type.subject === OpenRootLayer.subject) return this.parts.streams.offerWhole(async (out) => void out.write(this.written));
        if (type.subject === KeepLayers.subject) await this.keepingLayers();
        if (type.subject === UnpackLayer.subject) {
          this.unpacked.push(data as UnpackLayer);
          await this.unpacking();
          this.onDisk.add((data as UnpackLayer).chainId);
        } else if (type.subject === RemoveLayer.subject) {
          await this.beforeRemoval();
          this.onDisk.delete((data as RemoveLayer).chainId);
          this.removedLayers.push((data as RemoveLayer).chainId);
        }
        return { position: 0, sizeBytes: 5 };
      },
    } as unknown as Bus;
    const aggregates: ImageAggregates = new Aggregates(this.store, 'image', imageDecider, { source: 'images', isGone: (image) => image.status === 'absent' });
    const directory = new ImageDirectory(aggregates);
    const content = new ContentStore(this.top);
    const turns = new Turns();
    const layers = new LayerHolds(directory, bus, 200);
    const fail = (error: unknown): void => expect.unreachable(String(error));
    const collect = new CollectBlobs(directory, content, (error) => this.notRemoved.push(error));
    const holds = new ImageHolds(directory, turns);
    const unsure = new UnsureImages(aggregates, directory, content, collect, fail);
    const add = new AddImage(aggregates, directory, content, unsure, layers, bus, turns);
    const clear = new ClearImage(collect, layers, 200);
    const late = new LateImages(aggregates, directory, content, unsure, clear, bus, turns, holds, fail);
    const streams = new StreamServer(join(this.top, 'images.sock'));
    await content.open((error) => this.notRemoved.push(error));
    late.start();
    await aggregates.start();
    await collect.leftOver();
    await add.keepLayers({ actor: 'test', correlationId: 'c', causationId: 'd' }, (error) => this.notRemoved.push(error));
    await streams.listen();
    const images = new ImagesController(
      streams,
      new ImageViews(directory, content),
      new PullOneImage(directory, content, add, collect, []),
      new LoadArchive(content, add, collect),
      new ImportArchive(content, add, collect),
      new CommitContainerImage(directory, content, add, collect, bus),
      new SaveArchive(aggregates, directory, content, collect),
      new TagOneImage(aggregates, directory, unsure, turns),
      new RemoveOneImage(aggregates, directory, clear, unsure, bus, turns, holds),
      new RegistryLogins([]),
      holds,
    );
    this.parts = { images, late, streams };
  }

  private async stop(): Promise<void> {
    this.parts.late.stop();
    await this.parts.streams.close();
  }
}
