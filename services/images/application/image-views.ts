import type { ImageView } from '#contracts/images/images.js';
import { CONFIG_LIMIT_BYTES, parseImageConfig, type ImageConfig } from '#libs/oci/image-config.js';
import type { ContentStore } from '../adapters/content-store.js';
import type { PresentImage } from '../domain/image/image-decider.js';
import type { ImageDirectory } from './image-directory.js';

const MOST_REMEMBERED = 2_000;

/** Images as they are shown: the log's facts, and the configuration blob's. */
export class ImageViews {
  private readonly configs = new Map<string, ImageConfig>();

  constructor(
    private readonly directory: ImageDirectory,
    private readonly content: ContentStore,
  ) {}

  async get(text: string): Promise<ImageView> {
    return await this.view(this.directory.find(text).image);
  }

  /** Undefined: it means none, or several. */
  idOf(text: string): string | undefined {
    try {
      return this.directory.find(text).image.configDigest;
    } catch {
      return undefined;
    }
  }

  async list(): Promise<{ readonly images: readonly ImageView[]; readonly position: number }> {
    const position = this.directory.position;
    // One whose configuration is gone must not hide all others.
    const views = await Promise.all([...this.directory.all()].map((image) => this.view(image).catch(() => undefined)));
    const images = views.filter((view) => view !== undefined);
    images.sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
    return { images, position };
  }

  private async view(image: PresentImage): Promise<ImageView> {
    const config = await this.config(image.configDigest);
    return {
      id: image.configDigest,
      repoTags: this.directory.tagsOf(image),
      repoDigests: [...image.digests].sort(),
      createdAt: config.created || '0001-01-01T00:00:00Z',
      sizeBytes: image.sizeBytes,
      architecture: config.architecture,
      os: config.os,
      variant: config.variant,
      author: config.author,
      comment: config.comment,
      config: config.run,
      diffIds: config.diffIds,
      layerBytes: image.layers.map((layer) => layer.unpackedBytes ?? 0),
      layers: image.layers.map((layer) => layer.chainId).reverse(),
      history: config.history,
    };
  }

  private async config(digest: string): Promise<ImageConfig> {
    const known = this.configs.get(digest);
    if (known) return known;
    const config = parseImageConfig(await this.content.read(digest, CONFIG_LIMIT_BYTES));
    if (this.configs.size >= MOST_REMEMBERED) this.configs.clear();
    this.configs.set(digest, config);
    return config;
  }
}
