import { ListContainers } from '#contracts/containers/queries.js';
import type { ImageEvent } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import { causedBy } from '#libs/event-store/caused-by.js';
import type { Commit } from '#libs/event-store/event.js';
import type { Bus } from '#libs/messaging/bus.js';
import { retryUntilDone } from '#libs/messaging/retry.js';
import type { ContentStore } from '../adapters/content-store.js';
import { type Image, imageDecider, type PresentImage } from '../domain/image/image-decider.js';
import type { ClearImage } from './clear-image.js';
import { hexOfId, type ImageAggregates, type ImageDirectory } from './image-directory.js';
import type { ImageHolds } from './image-holds.js';
import type { Turns } from './tag-turns.js';
import type { UnsureImages } from './unsure-images.js';

/** Goes on with what is on the log of images though whoever asked for it was told that it did not answer. */
export class LateImages {
  private readonly stopping = new AbortController();
  private unlisten: () => void = () => undefined;

  constructor(
    private readonly aggregates: ImageAggregates,
    private readonly directory: ImageDirectory,
    private readonly content: ContentStore,
    private readonly unsure: UnsureImages,
    private readonly clear: ClearImage,
    private readonly bus: Bus,
    private readonly tagTurns: Turns,
    private readonly holds: ImageHolds,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.unlisten = this.aggregates.onUnanswered((hex, commit) => {
      const asked = causedBy(commit, 'service:images');
      const goOn = async (): Promise<void> => {
        const gone = await this.tagTurns.take(() => this.settle(hex, commit, asked));
        // Not in the turn: the disk, and an executor that is away, take their time, and every tag would wait for them.
        if (gone !== undefined) await this.clear.run(gone, asked);
      };
      void retryUntilDone(goOn, this.stopping.signal, this.onError);
    });
  }

  stop(): void {
    this.stopping.abort();
    this.unlisten();
  }

  /** Resolves to an image that is gone, and whose layers and blobs are left. */
  private async settle(hex: string, { events }: Commit<ImageEvent>, asked: RequestContext): Promise<PresentImage | undefined> {
    if (events.some(({ type }) => type === 'ImageRemoved')) return this.removed(hex, events, asked);
    if (events.some(({ type }) => type === 'ImageAdded') && !(await this.isWhole(hex))) return this.remove(hex, asked);
    for (const event of events) if (event.type === 'ImageTagged') await this.tagged(event, asked);
    return undefined;
  }

  /** A container may use it by now, whose root stands on its layers: then it is there again. */
  private async removed(hex: string, events: readonly ImageEvent[], asked: RequestContext): Promise<PresentImage | undefined> {
    const history = await this.aggregates.history(hex);
    const before = history.slice(0, -events.length);
    const was = before.reduce<Image>(imageDecider.evolve, imageDecider.initialState);
    if (this.directory.get(hex) !== undefined || was.status === 'absent') return undefined;
    const { containers } = await this.bus.request(ListContainers, { all: true, restoring: true }, asked);
    if (this.holds.containerOf(was) === undefined && !containers.some(({ imageId }) => imageId === was.configDigest)) return was;
    await this.bringBack(was, before, asked);
    return undefined;
  }

  private async bringBack({ configDigest: image, manifestDigest, layers, sizeBytes, tags, digests }: PresentImage, history: readonly ImageEvent[], asked: RequestContext): Promise<void> {
    const added = history.findLast((event) => event.type === 'ImageAdded');
    const free = tags.filter((tag) => this.directory.holderOf(tag) === undefined);
    await this.aggregates.execute(hexOfId(image), { type: 'Add', image, manifestDigest, layers, sizeBytes, origin: added?.origin ?? 'load', tags: free, digests, ...(added?.labels === undefined ? {} : { labels: added.labels }), at: now() }, asked);
  }

  /** One that was begun before this process was has lost its blobs, and its layers, when this process started. */
  private async isWhole(hex: string): Promise<boolean> {
    const image = this.directory.get(hex);
    if (image === undefined) return true;
    for (const digest of [image.configDigest, image.manifestDigest, ...image.layers.map((layer) => layer.digest)]) if ((await this.content.sizeOf(digest)) === undefined) return false;
    return true;
  }

  private async remove(hex: string, asked: RequestContext): Promise<PresentImage | undefined> {
    const image = this.directory.get(hex);
    if (image !== undefined) await this.aggregates.execute(hex, { type: 'Remove', image: image.configDigest, at: now() }, asked);
    return image;
  }

  /** What was asked for last counts. */
  private async tagged({ image, reference }: Extract<ImageEvent, { type: 'ImageTagged' }>, asked: RequestContext): Promise<void> {
    const wanted = this.unsure.holderOf(reference);
    if (wanted === undefined || wanted === image || this.directory.get(wanted) === undefined || this.directory.holderOf(reference)?.configDigest !== image) return;
    await this.aggregates.execute(hexOfId(wanted), { type: 'Tag', image: wanted, reference, at: now() }, asked);
    await this.aggregates.execute(hexOfId(image), { type: 'Untag', image, references: [reference], movedTo: wanted, at: now() }, asked);
  }
}

const now = (): string => new Date().toISOString();
