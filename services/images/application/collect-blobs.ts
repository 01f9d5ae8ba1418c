import type { ContentStore } from '../adapters/content-store.js';
import type { ImageDirectory } from './image-directory.js';

/** Removes blobs that no image needs. One that cannot be removed stays, and is told of: it keeps no other from going, and nobody from their work. */
export class CollectBlobs {
  constructor(
    private readonly directory: ImageDirectory,
    private readonly content: ContentStore,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** What a process that died had brought and named nowhere. Before the first lease. */
  async leftOver(): Promise<void> {
    await this.unused(await this.content.list());
  }

  /** Of `candidates`, those that no image names and no lease holds. */
  async unused(candidates: Iterable<string>): Promise<void> {
    const used = new Set(this.named());
    for (const digest of candidates) if (!used.has(digest) && !this.isNamed(digest)) await this.content.remove(digest).catch(this.onError);
  }

  /** Asked right before each removal: while another blob went, an image may have come whose lease, which held this one until then, is released. */
  private isNamed(digest: string): boolean {
    for (const named of this.named()) if (named === digest) return true;
    return false;
  }

  private *named(): Iterable<string> {
    for (const image of this.directory.all()) {
      yield image.configDigest;
      yield image.manifestDigest;
      for (const layer of image.layers) yield layer.digest;
      // A pulled index is what its repository digest names.
      for (const digest of image.digests) yield digest.slice(digest.indexOf('@') + 1);
    }
  }
}
