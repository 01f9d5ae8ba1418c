import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RequestContext } from '#contracts/request.js';
import { BerthError, notFound, unclassified } from '#libs/errors/errors.js';
import { familiar, canonical, parseTagged } from '#libs/oci/reference.js';
import { type Digest, hexOf } from '#libs/oci/digest.js';
import { OCI_INDEX, OCI_MANIFEST } from '#libs/oci/media-types.js';
import { parseManifest, MANIFEST_LIMIT_BYTES } from '#libs/oci/manifest.js';
import { logger } from '#libs/telemetry/logger.js';
import { writeTar, type TarMember } from '#libs/oci/tar-writer.js';
import type { ContentStore } from '../adapters/content-store.js';
import type { PresentImage } from '../domain/image/image-decider.js';
import type { CollectBlobs } from './collect-blobs.js';
import { hexOfId, type ImageAggregates, type ImageDirectory } from './image-directory.js';

/** What `docker save` names: images, with the tags that are to be kept. */
type Selection = ReadonlyMap<PresentImage, readonly string[]>;

const layoutPath = (digest: string): string => `blobs/sha256/${hexOf(digest)}`;

/** `docker save`: one archive that is an OCI image layout and has the manifest.json of older engines, as dockerd has written since version 25. */
export class SaveArchive {
  constructor(
    private readonly aggregates: ImageAggregates,
    private readonly directory: ImageDirectory,
    private readonly content: ContentStore,
    private readonly collect: CollectBlobs,
  ) {}

  /** Throws not-found for the first name that is none. A repository without a tag means all its tags. */
  select(names: readonly string[]): Selection {
    const selection = new Map<PresentImage, string[]>();
    const add = (image: PresentImage, tag?: string): void => {
      const tags = selection.get(image) ?? [];
      selection.set(image, tag === undefined || tags.includes(tag) ? tags : [...tags, tag]);
    };
    for (const name of names) {
      const held = this.directory.tagsOfRepository(name);
      for (const { image, tag } of held) add(image, tag);
      if (held.length > 0) continue;
      const { image, by } = this.find(name);
      add(image, by?.includes('@') ? undefined : by);
    }
    return selection;
  }

  /** Told by the very name, as dockerd tells who saves. */
  private find(name: string): ReturnType<ImageDirectory['find']> {
    try {
      return this.directory.find(name);
    } catch (error) {
      if (error instanceof BerthError && error.kind === 'invalid') throw unclassified(error.message, error);
      throw error instanceof BerthError && error.kind === 'not-found' ? notFound(`No such image: ${name}`) : error;
    }
  }

  /** Who saves what, on the log. One that cannot be written to is no reason to keep anybody from saving what there is. */
  async record(selection: Selection, asked: RequestContext): Promise<void> {
    const at = new Date().toISOString();
    for (const { configDigest: image } of selection.keys()) {
      await this.aggregates.execute(hexOfId(image), { type: 'Save', image, at }, asked).catch((error: unknown) => logger('images').error('it could not be written to the log that an image is saved', { image, error }));
    }
  }

  async serve(out: Writable, selection: Selection): Promise<void> {
    const lease = this.content.lease();
    try {
      for (const image of selection.keys()) for (const digest of blobsOf(image)) await lease.keep(digest);
      await pipeline(Readable.from(writeTar(this.members(selection)), { objectMode: false, highWaterMark: 1 << 18 }), out, { end: false });
    } finally {
      lease.release();
      // What went meanwhile, but for what is read here.
      await this.collect.unused(lease.digests);
    }
  }

  /** Opened when it is read: a client that leaves before that leaves no open file, whose failure nobody would hear. */
  private async *bytesOf(digest: Digest): AsyncGenerator<Uint8Array> {
    yield* this.content.stream(digest) as AsyncIterable<Uint8Array>;
  }

  private async *members(selection: Selection): AsyncGenerator<TarMember> {
    yield { path: 'blobs', type: 'directory' };
    yield { path: 'blobs/sha256', type: 'directory' };
    const written = new Set<string>();
    const descriptors: object[] = [];
    const manifests: object[] = [];
    const repositories: Record<string, Record<string, string>> = {};
    for (const [image, tags] of selection) {
      const bytes = await this.content.read(image.manifestDigest, MANIFEST_LIMIT_BYTES);
      const manifest = parseManifest(bytes);
      for (const digest of blobsOf(image)) {
        if (written.has(digest)) continue;
        written.add(digest);
        yield { path: layoutPath(digest), sizeBytes: (await this.content.sizeOf(digest)) ?? 0, body: this.bytesOf(digest) };
      }
      const descriptor = { mediaType: manifest.kind === 'manifest' ? manifest.mediaType : OCI_MANIFEST, digest: image.manifestDigest, size: bytes.length };
      if (tags.length === 0) descriptors.push(descriptor);
      for (const tag of tags) {
        const reference = parseTagged(tag);
        descriptors.push({ ...descriptor, annotations: { 'io.containerd.image.name': canonical(reference), 'org.opencontainers.image.ref.name': reference.tag ?? '' } });
        const name = familiar({ domain: reference.domain, path: reference.path });
        repositories[name] = { ...repositories[name], [reference.tag ?? '']: hexOf(image.layers.at(-1)?.diffId ?? image.configDigest) };
      }
      manifests.push({ Config: layoutPath(image.configDigest), RepoTags: tags.length > 0 ? tags : null, Layers: image.layers.map((layer) => layoutPath(layer.digest)) });
    }
    yield { path: 'index.json', body: json({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: descriptors }) };
    yield { path: 'manifest.json', body: json(manifests) };
    yield { path: 'oci-layout', body: json({ imageLayoutVersion: '1.0.0' }) };
    if (Object.keys(repositories).length > 0) yield { path: 'repositories', body: json(repositories) };
  }
}

const blobsOf = (image: PresentImage): string[] => [...image.layers.map((layer) => layer.digest), image.configDigest, image.manifestDigest];
const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
