import type { ContentStore } from '../adapters/content-store.js';
import type { ImageDirectory } from './image-directory.js';

/** Removes blobs that no image needs. */
export class CollectBlobs {
  constructor(
    private readonly directory: ImageDirectory,
    private readonly content: ContentStore,
  ) {}

  /** What a process that died had brought and named nowhere. Before the first lease. */
  async leftOver(): Promise<void> {
    await this.unused(await this.content.list());
  }

  /** Of `candidates`, those that no image names and no lease holds. */
  async unused(candidates: Iterable<string>): Promise<void> {
    const used = new Set<string>();
    for (const image of this.directory.all()) {
      used.add(image.configDigest).add(image.manifestDigest);
      for (const layer of image.layers) used.add(layer.digest);
      // A pulled index is what its repository digest names.
      for (const digest of image.digests) used.add(digest.slice(digest.indexOf('@') + 1));
    }
    for (const digest of candidates) if (!used.has(digest)) await this.content.remove(digest);
  }
}
