import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { ImageLayer, LoadImages } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import { invalid, notFound } from '#libs/errors/errors.js';
import { isObject, parseJson, strings, text } from '#libs/oci/bounded-json.js';
import { decompressed } from '#libs/oci/decompress.js';
import { parseImageConfig, CONFIG_LIMIT_BYTES } from '#libs/oci/image-config.js';
import { MANIFEST_LIMIT_BYTES, parseManifest, type Descriptor } from '#libs/oci/manifest.js';
import { best, fitness, formatPlatform, hostPlatform, parsePlatform, type Platform } from '#libs/oci/platform.js';
import { canonical, parseNewTag, parseReference } from '#libs/oci/reference.js';
import { readTar } from '#libs/oci/tar-reader.js';
import type { StoredBlob } from '../adapters/blob-ingest.js';
import type { ContentLease, ContentStore } from '../adapters/content-store.js';
import type { AddImage, NewImage } from './add-image.js';
import { archivedLayer } from './archived-layer.js';
import type { CollectBlobs } from './collect-blobs.js';
import { progressBar, type ProgressLines } from './progress-lines.js';
import { inputOf, serveProgress } from './progress-stream.js';

const IMAGE_NAME = 'io.containerd.image.name';
const REF_NAME = 'org.opencontainers.image.ref.name';
const MOST_FILES = 100_000;

export type LoadWish = Pick<LoadImages, 'quiet' | 'platform'>;

/** `docker load`: an archive of `docker save` of any age, or an OCI image layout (image-layout.md), plain or compressed. */
export class LoadArchive {
  constructor(
    private readonly content: ContentStore,
    private readonly addImage: AddImage,
    private readonly collect: CollectBlobs,
  ) {}

  /** Serves the endpoint: reads the archive, answers with progress lines, ends the socket. A client that goes away ends the load; the images that were added before stay. */
  async serve(socket: Socket, { quiet, platform: asOne }: LoadWish, asked: RequestContext): Promise<void> {
    const wanted = asOne === undefined ? undefined : parsePlatform(asOne);
    await serveProgress(socket, asked, this.content, this.collect, async (lines, lease, left) => {
      const images = await this.imagesIn(await this.readArchive(inputOf(socket), lease), wanted, lease);
      if (images.length === 0) throw wanted === undefined ? invalid('the archive holds no image') : notFound(`the archive holds no image for ${formatPlatform(wanted)}`);
      for (const image of images) await this.load(image, lease, quiet, lines, asked, left);
    });
  }

  /** Tells what dockerd tells: nothing of layers that are there, and whom a tag is taken from. */
  private async load(image: NewImage, lease: ContentLease, quiet: boolean, lines: ProgressLines, asked: RequestContext, left: AbortSignal): Promise<void> {
    if (asked.dryRun) return void (await this.addImage.add(image, lease, asked, left));
    const layers = await this.addImage.layersOf(image.configDigest, image.layers);
    const letGo = await this.addImage.hold(layers, asked);
    try {
      await this.unpackAndAdd(image, layers, lease, quiet, lines, asked, left);
    } finally {
      await letGo();
    }
  }

  private async unpackAndAdd(image: NewImage, layers: readonly ImageLayer[], lease: ContentLease, quiet: boolean, lines: ProgressLines, asked: RequestContext, left: AbortSignal): Promise<void> {
    for (const layer of layers) {
      const isNew = !this.addImage.hasLayer(layer.chainId);
      await this.addImage.unpack(layer, asked, left);
      if (isNew && !quiet) lines.report({ status: 'Loading layer', progressDetail: { current: layer.sizeBytes, total: layer.sizeBytes }, progress: progressBar(layer.sizeBytes, layer.sizeBytes), id: layer.diffId.slice('sha256:'.length).slice(0, 12) });
    }
    const moving = this.addImage.tagsOfOthers(image);
    await this.addImage.add(image, lease, asked, left);
    for (const tag of image.tags) {
      const former = moving.get(tag);
      if (former !== undefined) lines.report({ stream: `The image ${tag} already exists, renaming the old one with ID ${former} to empty string\n` });
      lines.report({ stream: `Loaded image: ${tag}\n` });
    }
    if (image.tags.length === 0) lines.report({ stream: `Loaded image ID: ${image.configDigest}\n` });
  }

  /** All files of the archive go into the content store at once: which of them are layers is told by one that may come last. */
  private async readArchive(input: Readable, lease: ContentLease): Promise<ArchiveFiles> {
    const files = new ArchiveFiles();
    for await (const entry of readTar(await decompressed(input))) {
      const path = cleanPath(entry.path.toString());
      if (entry.type === 'file') files.add(path, await lease.ingest(entry.body));
      else if (entry.type === 'symlink') files.link(path, joinPath(path, entry.linkTarget.toString()));
      else if (entry.type === 'hardlink') files.link(path, cleanPath(entry.linkTarget.toString()));
    }
    return files;
  }

  private async imagesIn(files: ArchiveFiles, wanted: Platform | undefined, lease: ContentLease): Promise<NewImage[]> {
    const [docker, index] = [files.get('manifest.json'), files.get('index.json')];
    const images = docker ? await this.dockerImages(docker, files, wanted, lease) : [];
    // What has both lists one platform in the former, and all in the latter.
    if (index && (docker === undefined || (wanted !== undefined && images.length === 0))) return await this.layoutImages(index, wanted, lease);
    if (docker) return images;
    throw invalid('the archive holds neither manifest.json nor index.json: it is no image archive');
  }

  /** manifest.json: [{Config, RepoTags, Layers}] with paths in the archive. */
  private async dockerImages(file: StoredBlob, files: ArchiveFiles, wanted: Platform | undefined, lease: ContentLease): Promise<NewImage[]> {
    const json = parseJson(await this.content.read(file.digest, MANIFEST_LIMIT_BYTES), 'manifest.json', MANIFEST_LIMIT_BYTES);
    if (!Array.isArray(json)) throw invalid('manifest.json is not a list of images');
    const images: NewImage[] = [];
    for (const item of json as readonly unknown[]) {
      if (!isObject(item)) throw invalid('manifest.json is not a list of images');
      const tags = (strings(item['RepoTags'], 'RepoTags') ?? []).map(fullTag);
      const configDigest = files.require(text(item['Config'])).digest;
      if (wanted !== undefined && fitness(wanted, parseImageConfig(await this.content.read(configDigest, CONFIG_LIMIT_BYTES))) === 0) continue;
      const layers: Descriptor[] = [];
      for (const path of strings(item['Layers'], 'Layers') ?? []) layers.push(await archivedLayer(files.require(path), this.content, lease));
      images.push({ configDigest, layers, tags, digests: [], origin: 'load' });
    }
    return images;
  }

  private async layoutImages(file: StoredBlob, wanted: Platform | undefined, lease: ContentLease): Promise<NewImage[]> {
    const index = parseManifest(await this.content.read(file.digest, MANIFEST_LIMIT_BYTES));
    if (index.kind !== 'index') throw invalid('index.json is no image index');
    const images: NewImage[] = [];
    for (const sameName of Map.groupBy(index.manifests.filter(isImage), (descriptor) => tagOf(descriptor) ?? descriptor).values()) {
      const chosen = sameName.length === 1 && wanted === undefined ? sameName[0] : choose(wanted, await Promise.all(sameName.map((descriptor) => this.withPlatform(descriptor, wanted))));
      const image = chosen && (await this.layoutImage(chosen, tagOf(chosen), 0, wanted, lease));
      if (image) images.push(image);
    }
    return images;
  }

  /** One that does not tell its platform is for the one that its configuration tells. */
  private async withPlatform(descriptor: Descriptor, wanted: Platform | undefined): Promise<Descriptor> {
    if (descriptor.platform !== undefined) return descriptor;
    const manifest = parseManifest(await this.content.read(descriptor.digest, MANIFEST_LIMIT_BYTES), descriptor.mediaType);
    const platform = manifest.kind === 'index' ? choose(wanted, manifest.manifests.filter(isImage))?.platform : parseImageConfig(await this.content.read(manifest.config.digest, CONFIG_LIMIT_BYTES));
    return platform === undefined ? descriptor : { ...descriptor, platform };
  }

  /** Undefined: nothing for this platform. */
  private async layoutImage(descriptor: Descriptor, tag: string | undefined, depth: number, wanted: Platform | undefined, lease: ContentLease): Promise<NewImage | undefined> {
    if (depth > 2) throw invalid('the archive nests image indexes too deeply');
    const manifest = parseManifest(await this.content.read(descriptor.digest, MANIFEST_LIMIT_BYTES), descriptor.mediaType);
    if (manifest.kind === 'index') {
      const chosen = choose(wanted, manifest.manifests.filter(isImage));
      return chosen && (await this.layoutImage(chosen, tag, depth + 1, wanted, lease));
    }
    parseImageConfig(await this.content.read(manifest.config.digest, CONFIG_LIMIT_BYTES));
    // What is here already need not be in the archive, and may be about to go with another image.
    for (const digest of [descriptor.digest, manifest.config.digest]) if (!(await lease.keep(digest))) throw invalid(`the archive lacks ${digest}`);
    for (const { digest } of manifest.layers) if (!(await lease.keep(digest))) throw invalid(`the archive lacks the layer ${digest}`);
    return { configDigest: manifest.config.digest, layers: manifest.layers, manifestDigest: descriptor.digest, tags: tag === undefined ? [] : [tag], digests: [], origin: 'load' };
  }
}

/** What tells of an image (an attestation) is listed beside it, for no platform. */
const isImage = ({ platform }: Descriptor): boolean => platform?.os !== 'unknown';

/** Nothing wanted: what this machine runs, or one that is alone, whatever that is for. */
function choose(wanted: Platform | undefined, offered: readonly Descriptor[]): Descriptor | undefined {
  if (wanted !== undefined) return best(wanted, offered);
  return best(hostPlatform, offered) ?? (offered.length === 1 ? offered[0] : undefined);
}

/** Files of an archive by path; old archives name a layer that two images share by a symlink. */
class ArchiveFiles {
  private readonly files = new Map<string, StoredBlob>();
  private readonly links = new Map<string, string>();

  add(path: string, blob: StoredBlob): void {
    this.limit();
    this.files.set(path, blob);
  }

  link(path: string, target: string): void {
    this.limit();
    this.links.set(path, target);
  }

  get(path: string): StoredBlob | undefined {
    let at = cleanPath(path);
    for (let hops = 0; hops < 8; hops++) {
      const found = this.files.get(at);
      if (found) return found;
      const next = this.links.get(at);
      if (next === undefined) return undefined;
      at = next;
    }
    return undefined;
  }

  require(path: string): StoredBlob {
    const found = this.get(path);
    if (!found) throw invalid(`the archive lacks ${path}`);
    return found;
  }

  private limit(): void {
    if (this.files.size + this.links.size >= MOST_FILES) throw invalid(`the archive has more than ${MOST_FILES} files`);
  }
}

/** A RepoTag has to have its tag: dockerd guesses none here either. */
function fullTag(text: string): string {
  const reference = parseReference(text);
  if (reference.tag === undefined || reference.digest !== undefined) throw invalid(`invalid tag "${text}"`);
  return parseNewTag(text);
}

/** The full name, where the archive's maker gave one; a reference name that is a tag only names no repository. */
function tagOf({ annotations }: Descriptor): string | undefined {
  const name = annotations?.[IMAGE_NAME] ?? annotations?.[REF_NAME];
  if (name === undefined || (annotations?.[IMAGE_NAME] === undefined && !/[/:]/.test(name))) return undefined;
  try {
    const reference = parseReference(name);
    return reference.tag === undefined ? undefined : parseNewTag(canonical({ domain: reference.domain, path: reference.path, tag: reference.tag }));
  } catch {
    return undefined;
  }
}

const cleanPath = (path: string): string => joinPath('', path);

/** `target` as seen from the directory of `from`; ".." stops at the archive's root. */
function joinPath(from: string, target: string): string {
  const parts = target.startsWith('/') ? [] : from.split('/').slice(0, -1);
  for (const part of target.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}
