import type { RequestContext } from '#contracts/request.js';
import type { PresentImage } from '../domain/image/image-decider.js';
import type { CollectBlobs } from './collect-blobs.js';
import type { LayerHolds } from './layer-holds.js';

/** What follows the removal of an image. */
export class ClearImage {
  constructor(
    private readonly collect: CollectBlobs,
    private readonly layers: LayerHolds,
  ) {}

  /** Its layers that no other image has, nor is about to, from the top; in a dry run they stay. */
  async run(image: PresentImage, asked: RequestContext): Promise<readonly string[]> {
    const doomed = this.layers.unused(image.layers.map((layer) => layer.chainId), image);
    if (asked.dryRun) return doomed;
    await this.layers.remove(doomed, asked);
    await this.collect.unused([image.configDigest, image.manifestDigest, ...image.layers.map((layer) => layer.digest), ...image.digests.map((name) => name.slice(name.indexOf('@') + 1))]);
    return doomed;
  }
}
