import type { Socket } from 'node:net';
import type { PullImage } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import { CONFIG_LIMIT_BYTES } from '#libs/oci/image-config.js';
import type { Descriptor, ImageManifest } from '#libs/oci/manifest.js';
import { hostPlatform, parsePlatform, type Platform } from '#libs/oci/platform.js';
import { familiar, familiarName, parseReference, parseTagged, refuseAmbiguous, type Reference } from '#libs/oci/reference.js';
import type { ContentLease, ContentStore } from '../adapters/content-store.js';
import { type FetchedManifest, RegistryClient } from '../adapters/registry-client.js';
import type { Added, AddImage, NewImage } from './add-image.js';
import { BlobDownloads } from './blob-downloads.js';
import type { CollectBlobs } from './collect-blobs.js';
import type { ImageDirectory } from './image-directory.js';
import { progressBar, type ProgressLines } from './progress-lines.js';
import { serveProgress } from './progress-stream.js';
import { PullMetrics } from './pull-metrics.js';
import { inDockersWords, resolveImage, type Resolved } from './resolve-image.js';

const PARALLEL = 3;
const REPORT_EVERY_MS = 100;

type Lines = Pick<ProgressLines, 'report' | 'passing'>;
/** Of a layer that is here nothing is told but that. */
const SILENT: Lines = { report: () => undefined, passing: () => undefined };

/** What is known once a registry has said that the image is there: the rest is told line by line. */
export interface StartedPull {
  /** As it was asked for: without a tag where all are pulled. */
  readonly wanted: Reference;
  readonly platform: Platform;
  readonly client: RegistryClient;
  /** What is pulled, one after the other; the first is looked up. */
  readonly references: readonly Reference[];
  readonly first: Resolved | undefined;
}

/** `docker pull`: manifest first, so that a mistake is an error of the command; then blobs, three at a time, and layers bottom up as they arrive. */
export class PullOneImage {
  readonly metrics = new PullMetrics();
  private readonly downloads: BlobDownloads;

  constructor(
    private readonly directory: ImageDirectory,
    private readonly content: ContentStore,
    private readonly addImage: AddImage,
    private readonly collect: CollectBlobs,
    private readonly insecure: readonly string[],
  ) {
    this.downloads = new BlobDownloads(content, this.metrics);
  }

  /** Rejects as not-found where the registry has no such image. */
  async start(command: PullImage): Promise<StartedPull> {
    const wanted = command.allTags ? parseReference(command.reference) : parseTagged(command.reference);
    const platform = command.platform ? parsePlatform(command.platform) : hostPlatform;
    const client = new RegistryClient(wanted, command.auth, this.insecure);
    const isOne = wanted.tag !== undefined || wanted.digest !== undefined;
    const references = isOne ? [wanted] : await tagsOf(client, wanted);
    const first = references[0] && (await resolveImage(client, references[0], platform));
    refuseAmbiguous(wanted);
    return { wanted, platform, client, references, first };
  }

  /** The images in their turn, each looked up when it comes. */
  private async *resolved({ references, client, first, platform }: StartedPull): AsyncGenerator<readonly [Reference, Resolved]> {
    for (const [index, reference] of references.entries()) yield [reference, index === 0 && first ? first : await resolveImage(client, reference, platform)];
  }

  /** What the log would have of it: layers that are here already tell the bytes of their files. Asks the registry for no layer. */
  async plan(pull: StartedPull, asked: RequestContext): Promise<void> {
    for await (const [reference, resolved] of this.resolved(pull)) await this.planOne(reference, pull.client, resolved, asked);
  }

  private async planOne(reference: Reference, client: RegistryClient, { root, fetched, manifest }: Resolved, asked: RequestContext): Promise<void> {
    try {
      const config = this.directory.get(manifest.config.digest) ? await this.content.read(manifest.config.digest, CONFIG_LIMIT_BYTES) : await client.smallBlob(manifest.config.digest, CONFIG_LIMIT_BYTES);
      await this.addImage.plan({ ...newImage(reference, root, manifest), manifestDigest: fetched.digest }, config, asked);
    } catch (error) {
      throw inDockersWords(error, reference);
    }
  }

  /** Serves the endpoint. A client that goes away ends the pull. */
  async serve(socket: Socket, pull: StartedPull, asked: RequestContext): Promise<void> {
    const gone = new AbortController();
    socket.on('close', () => gone.abort(new Error('the client went away')));
    await serveProgress(socket, asked, this.content, this.collect, async (lines, lease) => {
      try {
        await this.metrics.measure(() => this.pullAll(pull, lease, lines, gone, asked));
      } catch (error) {
        gone.abort(error);
        throw error;
      }
    });
  }

  private async pullAll(pull: StartedPull, lease: ContentLease, lines: ProgressLines, gone: AbortController, asked: RequestContext): Promise<void> {
    const { wanted, client } = pull;
    let isNew = false;
    for await (const [reference, resolved] of this.resolved(pull)) {
      gone.signal.throwIfAborted();
      const added = await this.pull(reference, client, resolved, lease, lines, gone, asked).catch((error: unknown) => {
        throw inDockersWords(error, reference);
      });
      isNew ||= added.isNew;
    }
    const shown = wanted.digest === undefined ? familiar(wanted) : `${familiarName(wanted)}@${wanted.digest}`;
    lines.report({ status: `Status: ${isNew ? 'Downloaded newer image' : 'Image is up to date'} for ${shown}` });
  }

  private async pull(reference: Reference, client: RegistryClient, { root, fetched, manifest }: Resolved, lease: ContentLease, lines: ProgressLines, gone: AbortController, asked: RequestContext): Promise<Added> {
    lines.report({ status: `Pulling from ${reference.path}`, id: reference.tag ?? reference.digest ?? 'latest' });
    await lease.put(fetched.bytes);
    if (root.digest !== fetched.digest) await lease.put(root.bytes);
    const image = { ...newImage(reference, root, manifest), manifestDigest: fetched.digest };
    const known = await this.keepKnown(manifest.config.digest, lease);
    const added = known ? await this.addImage.add({ ...image, ...known }, lease, asked) : await this.fetchAndAdd(client, image, manifest, lease, lines, gone, asked);
    lines.report({ status: `Digest: ${root.digest}` });
    return added;
  }

  /** What an image that is here consists of, held: a registry may have the same layers compressed otherwise, or at all. Undefined: it is not here, or just goes. */
  private async keepKnown(configDigest: string, lease: ContentLease): Promise<Pick<NewImage, 'layers' | 'manifestDigest'> | undefined> {
    const known = this.directory.get(configDigest);
    if (known === undefined) return undefined;
    const { manifestDigest, layers } = known;
    for (const digest of [configDigest, manifestDigest, ...layers.map((layer) => layer.digest)]) if (!(await lease.keep(digest))) return undefined;
    return { manifestDigest, layers: layers.map(({ mediaType, digest, sizeBytes }) => ({ mediaType, digest, size: sizeBytes })) };
  }

  private async fetchAndAdd(client: RegistryClient, image: NewImage, { config, layers }: ImageManifest, lease: ContentLease, lines: ProgressLines, gone: AbortController, asked: RequestContext): Promise<Added> {
    const letGo = await this.fetchLayers(client, config, layers, lease, lines, gone, asked);
    try {
      return await this.addImage.add(image, lease, asked);
    } finally {
      await letGo();
    }
  }

  /** Layers as they arrive, bottom up. Resolves to what lets go of them, once an image has them. */
  private async fetchLayers(client: RegistryClient, config: Descriptor, blobs: readonly Descriptor[], lease: ContentLease, lines: ProgressLines, gone: AbortController, asked: RequestContext): Promise<() => Promise<void>> {
    const fetchConfig = this.downloads.fetch(client, config, lease, gone.signal);
    fetchConfig.catch(() => undefined);
    const unique = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
    const known = new Set(blobs.slice(0, this.addImage.lowestKnown(blobs)).map(({ digest }) => digest));
    for (const { digest } of unique) lines.report({ status: known.has(digest) ? 'Already exists' : 'Pulling fs layer', progressDetail: {}, id: shortId(digest) });
    const linesOf = (digest: string): Lines => (known.has(digest) ? SILENT : lines);
    const slots = new Slots(PARALLEL);
    const arrivals = new Map(unique.map((blob) => [blob.digest, slots.run(() => this.download(client, blob, lease, linesOf(blob.digest), gone.signal))]));
    for (const arrival of arrivals.values()) arrival.catch((error: unknown) => gone.abort(error));
    let letGo = (): Promise<void> => Promise.resolve();
    try {
      await fetchConfig;
      const layers = await this.addImage.layersOf(config.digest, blobs);
      letGo = await this.addImage.hold(layers, asked);
      for (const layer of layers) {
        await arrivals.get(layer.digest);
        gone.signal.throwIfAborted();
        const id = shortId(layer.digest);
        linesOf(layer.digest).report({ status: 'Extracting', progressDetail: { current: layer.sizeBytes, total: layer.sizeBytes }, progress: progressBar(layer.sizeBytes, layer.sizeBytes), id });
        await this.addImage.unpack(layer, asked, gone.signal);
        linesOf(layer.digest).report({ status: 'Pull complete', progressDetail: {}, id });
      }
      return letGo;
    } catch (error) {
      gone.abort(error);
      // A download that still ran would leave its blob behind after the lease is released.
      await Promise.allSettled([fetchConfig, ...arrivals.values()]);
      await letGo();
      throw error;
    }
  }

  private async download(client: RegistryClient, blob: Descriptor, lease: ContentLease, lines: Lines, signal: AbortSignal): Promise<void> {
    const id = shortId(blob.digest);
    if (await lease.keep(blob.digest, blob.size)) {
      lines.report({ status: 'Download complete', progressDetail: {}, id });
      return;
    }
    let last = 0;
    await this.downloads.fetch(client, blob, lease, signal, (current) => {
      const now = performance.now();
      if (now - last < REPORT_EVERY_MS && current < blob.size) return;
      last = now;
      lines.passing({ status: 'Downloading', progressDetail: { current, total: blob.size }, progress: progressBar(current, blob.size), id });
    });
    lines.report({ status: 'Verifying Checksum', progressDetail: {}, id });
    lines.report({ status: 'Download complete', progressDetail: {}, id });
  }
}

async function tagsOf(client: RegistryClient, repository: Reference): Promise<readonly Reference[]> {
  const tags = await client.tags().catch((error: unknown) => {
    throw inDockersWords(error, repository);
  });
  return tags.map((tag) => parseReference(familiar({ ...repository, tag })));
}

function newImage(reference: Reference, root: FetchedManifest, manifest: ImageManifest): NewImage {
  const tags = reference.digest === undefined ? [familiar(reference)] : [];
  return { configDigest: manifest.config.digest, layers: manifest.layers, tags, digests: [`${familiarName(reference)}@${root.digest}`], origin: 'pull' };
}

/** At most so many at once, in the order asked. */
class Slots {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    }
  }
}

const shortId = (digest: string): string => digest.slice('sha256:'.length).slice(0, 12);
