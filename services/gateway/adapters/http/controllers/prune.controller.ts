import { Controller, HttpCode, Post, Query } from '@nestjs/common';
import { RemoveContainer } from '#contracts/containers/commands.js';
import { DiscardContainer, ListRemoved } from '#contracts/containers/undo.js';
import { ListContainers } from '#contracts/containers/queries.js';
import { ListImages, RemoveImage } from '#contracts/images/images.js';
import type { PrunedKind } from '#contracts/gateway/prune-events.js';
import type { RequestContext, WouldAppend } from '#contracts/request.js';
import { ListVolumes, RemoveVolume } from '#contracts/volumes/volumes.js';
import { BerthError, conflict } from '#libs/errors/errors.js';
import { logger } from '#libs/telemetry/logger.js';
import { containerSizes, keptSizes, layerBytes, volumeSizes } from '../../../application/disk-usage.js';
import { DryRunAnswer, EngineClient } from '../../../application/engine-client.js';
import { PruneLog } from '../../../application/prune-log.js';
import { readFilters } from '../../../domain/requests/filters.js';
import { olderThan } from '../../../domain/requests/older-than.js';
import { BUILD_PRUNE_FILTERS, CONTAINER_PRUNE_FILTERS, IMAGE_PRUNE_FILTERS, NETWORK_PRUNE_FILTERS, prunableContainers, prunableImages, prunableVolumes, VOLUME_PRUNE_FILTERS } from '../../../domain/requests/prune.js';
import { text, type QueryValues } from '../../../domain/requests/query-values.js';
import { ApiVersion, Asked } from '../callers/request-context.js';

const log = logger('gateway');
const REMOVE_TIMEOUT_MS = 120_000;

/** Removes what nobody uses, one command each; what somebody came to use meanwhile stays. Lists of nothing are null, as dockerd's are, but that of volumes. */
@Controller()
export class PruneController {
  private readonly underWay = new Map<PrunedKind, { readonly key: string | undefined; readonly done: Promise<object> }>();

  constructor(
    private readonly engine: EngineClient,
    private readonly log: PruneLog,
  ) {}

  @Post('/containers/prune')
  @HttpCode(200)
  async containers(@Query() query: QueryValues, @Asked() asked: RequestContext): Promise<object> {
    const filters = readFilters(text(query, 'filters'), CONTAINER_PRUNE_FILTERS);
    return this.alone('container', asked, async () => {
      const { containers } = await this.engine.ask(ListContainers, { all: true }, asked);
      const doomed = prunableContainers(containers, filters, Date.now());
      const kept = (await this.engine.ask(ListRemoved, {}, asked)).removed.map(({ container }) => container);
      const over = prunableContainers(kept, filters, Date.now());
      const [sizes, keptBytes] = await Promise.all([containerSizes(this.engine, doomed, asked), keptSizes(this.engine, over.map(({ id }) => id), asked)]);
      // Space is wanted now: what goes here goes for good, and so does what was kept of others.
      const pruning = new Pruning(this.log, asked);
      const removed = await pruning.removedOf(doomed, ({ id }) => this.engine.ask(RemoveContainer, { container: id, force: false, volumes: false, keep: false }, asked, REMOVE_TIMEOUT_MS));
      const discarded = await pruning.removedOf(over, ({ id }) => this.engine.ask(DiscardContainer, { container: id }, asked, REMOVE_TIMEOUT_MS));
      const bytes = [...removed.map(({ id }) => sizes.get(id)?.writtenBytes ?? 0), ...discarded.map(({ id }) => keptBytes[id] ?? 0)];
      const SpaceReclaimed = bytes.reduce((sum, one) => sum + Math.max(0, one), 0);
      await pruning.end('container', removed.length + discarded.length, SpaceReclaimed);
      return { ContainersDeleted: orNull(removed.map(({ id }) => id)), SpaceReclaimed };
    });
  }

  @Post('/images/prune')
  @HttpCode(200)
  async images(@Query() query: QueryValues, @Asked() asked: RequestContext): Promise<object> {
    const filters = readFilters(text(query, 'filters'), IMAGE_PRUNE_FILTERS);
    return this.alone('image', asked, async () => {
      const [{ containers }, { images }] = await Promise.all([this.engine.ask(ListContainers, { all: true }, asked), this.engine.ask(ListImages, {}, asked)]);
      const doomed = prunableImages(images, new Set(containers.map(({ imageId }) => imageId)), filters, Date.now());
      const told: object[] = [];
      const pruning = new Pruning(this.log, asked);
      // By their names of now: what one of them means by then may be an image that came meanwhile.
      const removed = await pruning.removedOf(doomed, async ({ id, repoTags, repoDigests }) => {
        const { untagged, deleted } = await this.engine.ask(RemoveImage, { image: id, force: false, prune: true, knownAs: [...repoTags, ...repoDigests] }, asked, REMOVE_TIMEOUT_MS);
        told.push(...untagged.toSorted().map((reference) => ({ Untagged: reference })), ...deleted.map((digest) => ({ Deleted: digest })));
      });
      const SpaceReclaimed = layerBytes(removed, images.filter((image) => !removed.includes(image)));
      await pruning.end('image', removed.length, SpaceReclaimed);
      return { ImagesDeleted: orNull(told), SpaceReclaimed };
    });
  }

  @Post('/volumes/prune')
  @HttpCode(200)
  async volumes(@Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string): Promise<object> {
    const filters = readFilters(text(query, 'filters'), VOLUME_PRUNE_FILTERS);
    return this.alone('volume', asked, async () => {
      const [{ containers }, { volumes }] = await Promise.all([this.engine.ask(ListContainers, { all: true }, asked), this.engine.ask(ListVolumes, {}, asked)]);
      const used = new Set(containers.flatMap(({ mounts }) => mounts.flatMap(({ name }) => name ?? [])));
      const doomed = prunableVolumes(volumes, used, filters, version);
      const sizes = await volumeSizes(this.engine, doomed.map(({ name }) => name), asked);
      const pruning = new Pruning(this.log, asked);
      const removed = await pruning.removedOf(doomed, ({ name }) => this.engine.ask(RemoveVolume, { name, force: false }, asked, REMOVE_TIMEOUT_MS));
      const SpaceReclaimed = removed.reduce((sum, { name }) => sum + Math.max(0, sizes[name] ?? 0), 0);
      await pruning.end('volume', removed.length, SpaceReclaimed);
      return { VolumesDeleted: removed.map(({ name }) => name), SpaceReclaimed };
    });
  }

  /** There are no networks but the predefined ones, and those stay. */
  @Post('/networks/prune')
  @HttpCode(200)
  async networks(@Query() query: QueryValues, @Asked() asked: RequestContext): Promise<object> {
    olderThan(readFilters(text(query, 'filters'), NETWORK_PRUNE_FILTERS), Date.now()); // throws
    await new Pruning(this.log, asked).end('network', 0, 0);
    return { NetworksDeleted: null };
  }

  /** Nothing is built here, so there is no cache; `docker system prune` asks for it like for the others. */
  @Post('/build/prune')
  @HttpCode(200)
  async builds(@Query() query: QueryValues, @Asked() asked: RequestContext): Promise<object> {
    readFilters(text(query, 'filters'), BUILD_PRUNE_FILTERS); // throws
    await new Pruning(this.log, asked).end('builder', 0, 0);
    return { CachesDeleted: null, SpaceReclaimed: 0 };
  }

  /** As dockerd has it: of two at once each would tell of what the other removed. The same request is answered alike. */
  private alone(kind: PrunedKind, { dryRun, idempotencyKey: key }: RequestContext, prune: () => Promise<object>): Promise<object> {
    if (dryRun) return prune();
    const underWay = this.underWay.get(kind);
    if (underWay !== undefined && key !== undefined && underWay.key === key) return underWay.done;
    if (underWay !== undefined) throw conflict('a prune operation is already running');
    const done = prune().finally(() => this.underWay.delete(kind));
    this.underWay.set(kind, { key, done });
    return done;
  }
}

/** One prune's removals. */
class Pruning {
  private readonly plan: WouldAppend[] = [];
  private readonly failures: unknown[] = [];
  private some = false;

  constructor(
    private readonly log: PruneLog,
    private readonly asked: RequestContext,
  ) {}

  /** Those that were removed, or would be: not what is used by now or gone already, and not what failed. */
  async removedOf<Item>(items: readonly Item[], remove: (item: Item) => Promise<unknown>): Promise<Item[]> {
    const removed: Item[] = [];
    for (const item of items) {
      try {
        await remove(item);
        removed.push(item);
      } catch (error) {
        if (error instanceof DryRunAnswer) {
          this.plan.push(...error.events);
          removed.push(item);
        } else if (!(error instanceof BerthError) || !['conflict', 'not-found'].includes(error.kind)) this.failures.push(error);
      }
    }
    this.some ||= removed.length > 0;
    return removed;
  }

  /** Who asked is to hear what has gone, so a failure is told to an operator alone, but where nothing came of all. Throws it then, and the answer of a dry run, which is whole or none. */
  async end(kind: PrunedKind, removed: number, reclaimedBytes: number): Promise<void> {
    if (this.failures.length > 0 && !this.some) throw this.failures[0];
    for (const error of this.failures) log.warn('a prune could not remove one', { error });
    await this.log.record(kind, removed, reclaimedBytes, this.asked.dryRun ? { ...this.asked, planned: this.plan } : this.asked);
    if (this.asked.dryRun) throw new DryRunAnswer(this.plan);
  }
}

const orNull = <Item>(items: readonly Item[]): readonly Item[] | null => (items.length === 0 ? null : items);
