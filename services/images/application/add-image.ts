import { KeepLayers, UnpackLayer } from '#contracts/executor/host.js';
import type { ImageLayer } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import { BerthError, invalid } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import { unlessAborted } from '#libs/messaging/unless-aborted.js';
import { chainIds } from '#libs/oci/chain-id.js';
import { parseImageConfig, CONFIG_LIMIT_BYTES } from '#libs/oci/image-config.js';
import { writeManifest, type Descriptor } from '#libs/oci/manifest.js';
import { OCI_CONFIG } from '#libs/oci/media-types.js';
import type { ContentLease, ContentStore } from '../adapters/content-store.js';
import type { ImageOrigin } from '../domain/image/image-decider.js';
import { hexOfId, type ImageAggregates, type ImageDirectory } from './image-directory.js';
import type { LayerHolds } from './layer-holds.js';
import type { Turns } from './tag-turns.js';
import type { UnsureImages } from './unsure-images.js';

/** What a pull of many layers left behind, or many do. It is asked again only where the executor died over it. */
const KEEP_TIMEOUT_MS = 60 * 60_000;
/** A layer of many gigabytes on a slow disk. */
const UNPACK_TIMEOUT_MS = 60 * 60_000;
/** An executor that died forgot about it: it begins anew. */
const ASK_AGAIN_MS = 5_000;
/** As JSON. */
const LONGEST_LABELS = 64 * 1024;

type Labels = { readonly labels?: Readonly<Record<string, string>> };

export interface NewImage {
  /** Of the configuration, in the content store already. */
  readonly configDigest: string;
  /** Blobs of the layers, bottom up, in the content store already. */
  readonly layers: readonly Descriptor[];
  /** Absent: one is made. */
  readonly manifestDigest?: string;
  /** Familiar references. */
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  readonly origin: ImageOrigin;
}

export interface Added {
  /** The log's; 0: it had all that already. */
  readonly position: number;
  /** The image, or one of its names, is new. */
  readonly isNew: boolean;
}

/** The one way in for every image: unpack its layers, then the log. Twice is once. */
export class AddImage {
  private readonly layersKept = Promise.withResolvers<void>();

  constructor(
    private readonly aggregates: ImageAggregates,
    private readonly directory: ImageDirectory,
    private readonly content: ContentStore,
    private readonly unsure: UnsureImages,
    private readonly layers: LayerHolds,
    private readonly bus: Bus,
    private readonly tagTurns: Turns,
  ) {}

  /** After a restart: takes away layers that no image has. Nothing is unpacked before. Rejects while the executor is down; what cannot be taken away stays, and is told of. */
  async keepLayers(asked: RequestContext, onError: (error: unknown) => void): Promise<void> {
    const chainIds = new Set([...this.directory.all()].flatMap(({ layers }) => layers.map(({ chainId }) => chainId)));
    await this.bus.request(KeepLayers, { chainIds: [...chainIds] }, asked, { timeoutMs: KEEP_TIMEOUT_MS, askAgainMs: Infinity }).catch((error: unknown) => {
      if (error instanceof BerthError && error.kind === 'unavailable') throw error;
      onError(error);
    });
    this.layersKept.resolve();
  }

  /** Layers of an image with their chain ids. Rejects as invalid where configuration and layers do not fit. */
  async layersOf(configDigest: string, blobs: readonly Descriptor[]): Promise<readonly ImageLayer[]> {
    return layersIn(await this.content.read(configDigest, CONFIG_LIMIT_BYTES), blobs);
  }

  /** Before they are unpacked. What it resolves to lets them go: those that no image came to have are gone then. */
  hold(layers: readonly ImageLayer[], asked: RequestContext): Promise<() => Promise<void>> {
    return this.layers.hold(layers.map(({ chainId }) => chainId), asked);
  }

  /** How many of the lowest blobs are the lowest layers of some image. */
  lowestKnown(blobs: readonly Descriptor[]): number {
    let most = 0;
    for (const { layers } of this.directory.all()) {
      const differs = blobs.findIndex(({ digest }, index) => layers[index]?.digest !== digest);
      most = Math.max(most, differs < 0 ? blobs.length : differs);
    }
    return most;
  }

  /** Whether some image has this layer. */
  hasLayer(chainId: string): boolean {
    return this.held(chainId) !== undefined;
  }

  private held(chainId: string): ImageLayer | undefined {
    for (const { layers } of this.directory.all()) {
      const layer = layers.find((one) => one.chainId === chainId);
      if (layer) return layer;
    }
    return undefined;
  }

  /** Tags of the image that another one holds, with the other's id: they are about to move. */
  tagsOfOthers({ configDigest, tags }: NewImage): ReadonlyMap<string, string> {
    const held = tags.map((tag) => [tag, this.directory.holderOf(tag)?.configDigest ?? configDigest] as const);
    return new Map(held.filter(([, holder]) => holder !== configDigest));
  }

  /** Resolves to the bytes of the layer's files. Rejects with the reason of `left` as soon as that is aborted; the executor ends the work once the layer is let go of by all who hold it. */
  async unpack(layer: ImageLayer, asked: RequestContext, left?: AbortSignal): Promise<number> {
    const { chainId, diffId, digest, mediaType } = layer;
    await this.layersKept.promise;
    const unpacking = this.bus.request(UnpackLayer, { chainId, diffId, digest, mediaType }, asked, { timeoutMs: UNPACK_TIMEOUT_MS, askAgainMs: ASK_AGAIN_MS, ...(left && { signal: left }) });
    const { sizeBytes } = await (left ? unlessAborted(unpacking, left) : unpacking);
    return sizeBytes;
  }

  /** Unpacks what is not yet, bottom up, and appends; in a dry run does neither, but plans. Once `left` is aborted it does neither. */
  async add(image: NewImage, lease: ContentLease, asked: RequestContext, left?: AbortSignal): Promise<Added> {
    const config = await this.content.read(image.configDigest, CONFIG_LIMIT_BYTES);
    const blobs = layersIn(config, image.layers);
    const manifestDigest = image.manifestDigest ?? (await this.makeManifest(image, lease));
    if (asked.dryRun) return this.plan({ ...image, manifestDigest }, config, asked);
    const letGo = await this.hold(blobs, asked);
    const layers = await this.unpackAll(blobs, asked, left).catch(async (error: unknown) => {
      await letGo();
      throw error;
    });
    try {
      const added = await this.tagTurns.take(() => this.append(image, manifestDigest, layers, sizeOf(layers), labelsIn(config), asked));
      await letGo();
      return added;
    } catch (error) {
      await this.unsure.afterAddition(image.configDigest, error, lease, letGo);
      throw error;
    }
  }

  private async unpackAll(blobs: readonly ImageLayer[], asked: RequestContext, left?: AbortSignal): Promise<readonly ImageLayer[]> {
    const layers: ImageLayer[] = [];
    for (const blob of blobs) layers.push({ ...blob, unpackedBytes: await this.unpack(blob, asked, left) });
    left?.throwIfAborted();
    return layers;
  }

  /** Moves tags: the new holder first, so that a tag is never lost between two commits; the latest holder counts. */
  private async append(image: NewImage, manifestDigest: string, layers: readonly ImageLayer[], sizeBytes: number, labels: Labels, asked: RequestContext): Promise<Added> {
    const at = new Date().toISOString();
    const { tags, digests, origin } = image;
    const former = new Map<string, string[]>();
    for (const [tag, holder] of this.tagsOfOthers(image)) former.set(holder, [...(former.get(holder) ?? []), tag]);
    const onceMore = this.unsure.onceMore(image.configDigest, [...tags, ...digests]);
    const command = { type: 'Add', image: image.configDigest, manifestDigest, layers, sizeBytes, origin, tags, digests, onceMore, ...labels, at } as const;
    const added = await this.unsure.moves(tags, image.configDigest, asked, () => this.aggregates.execute(hexOfId(image.configDigest), command, asked));
    let position = added.position;
    for (const [holder, references] of former) {
      const untagged = await this.aggregates.execute(hexOfId(holder), { type: 'Untag', image: holder, references, movedTo: image.configDigest, at }, asked);
      position = Math.max(position, untagged.position);
    }
    return { position, isNew: added.events.some(({ type }) => type !== 'ImagePulled' && type !== 'ImageLoaded') };
  }

  /** In a dry run, which appends nothing: what `add` would append, as far as it is known of layers that no image has yet. */
  async plan(image: NewImage & { readonly manifestDigest: string }, config: Uint8Array, asked: RequestContext): Promise<Added> {
    const layers = layersIn(config, image.layers).map((layer): ImageLayer => {
      const unpackedBytes = this.held(layer.chainId)?.unpackedBytes;
      return { ...layer, ...(unpackedBytes === undefined ? {} : { unpackedBytes }) };
    });
    return this.append(image, image.manifestDigest, layers, sizeOf(layers), labelsIn(config), asked);
  }

  private async makeManifest(image: NewImage, lease: ContentLease): Promise<string> {
    const size = (await this.content.sizeOf(image.configDigest)) ?? 0;
    return (await lease.put(writeManifest({ mediaType: OCI_CONFIG, digest: image.configDigest, size }, image.layers))).digest;
  }
}

const sizeOf = (layers: readonly ImageLayer[]): number => layers.reduce((bytes, { unpackedBytes = 0 }) => bytes + unpackedBytes, 0);

/** Of a configuration that has some. Who has more of them than an event should carry goes without. */
function labelsIn(configuration: Uint8Array): Labels {
  const labels = parseImageConfig(configuration).run.Labels ?? {};
  const length = JSON.stringify(labels).length;
  return length === 2 || length > LONGEST_LABELS ? {} : { labels };
}

function layersIn(configuration: Uint8Array, blobs: readonly Descriptor[]): readonly ImageLayer[] {
  const config = parseImageConfig(configuration);
  if (config.diffIds.length !== blobs.length) throw invalid(`invalid image: its configuration names ${config.diffIds.length} layers, its manifest ${blobs.length}`);
  const chain = chainIds(config.diffIds);
  return blobs.map((blob, index) => ({ chainId: chain[index]!, diffId: config.diffIds[index]!, digest: blob.digest, mediaType: blob.mediaType, sizeBytes: blob.size }));
}
