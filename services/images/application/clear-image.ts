import { RemoveLayer } from '#contracts/executor/host.js';
import type { RequestContext } from '#contracts/request.js';
import type { Bus } from '#libs/messaging/bus.js';
import type { PresentImage } from '../domain/image/image-decider.js';
import type { CollectBlobs } from './collect-blobs.js';
import type { ImageDirectory } from './image-directory.js';
import type { LayerHolds } from './layer-holds.js';

/** What follows the removal of an image. */
export class ClearImage {
  constructor(
    private readonly directory: ImageDirectory,
    private readonly collect: CollectBlobs,
    private readonly bus: Bus,
    private readonly layers: LayerHolds,
  ) {}

  /** Its layers that no other image has, nor is about to, from the top; in a dry run they stay. */
  async run(image: PresentImage, asked: RequestContext): Promise<readonly string[]> {
    const kept = new Set([...this.directory.all()].filter((other) => other.configDigest !== image.configDigest).flatMap((other) => other.layers.map((layer) => layer.chainId)));
    const doomed = image.layers.map((layer) => layer.chainId).filter((chainId) => !kept.has(chainId) && !this.layers.isHeld(chainId)).reverse();
    if (asked.dryRun) return doomed;
    // The log has it removed: a layer that stays behind, since the executor is down, is unknown to it and goes with the next scrub.
    for (const chainId of doomed) await this.layers.remove(chainId, () => this.bus.request(RemoveLayer, { chainId }, asked, { timeoutMs: 600_000, askAgainMs: 5_000 })).catch(() => undefined);
    await this.collect.unused([image.configDigest, image.manifestDigest, ...image.layers.map((layer) => layer.digest), ...image.digests.map((name) => name.slice(name.indexOf('@') + 1))]);
    return doomed;
  }
}
