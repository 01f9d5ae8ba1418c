import { setTimeout as delay } from 'node:timers/promises';
import type { RequestContext } from '#contracts/request.js';
import type { PresentImage } from '../domain/image/image-decider.js';
import type { CollectBlobs } from './collect-blobs.js';
import type { LayerHolds } from './layer-holds.js';

/** An executor that is away is asked for longer; whoever removed the image has an answer to give. */
const PATIENCE_MS = 30_000;

/** What follows the removal of an image. */
export class ClearImage {
  constructor(
    private readonly collect: CollectBlobs,
    private readonly layers: LayerHolds,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  /** Its layers that no other image has, nor is about to, from the top; in a dry run they stay. Waits for them to go for a while. Does not reject. */
  async run(image: PresentImage, asked: RequestContext): Promise<readonly string[]> {
    const doomed = this.layers.unused(image.layers.map((layer) => layer.chainId), image);
    if (asked.dryRun) return doomed;
    if (doomed.length > 0) await Promise.race([this.layers.remove(doomed, asked), delay(this.patienceMs, undefined, { ref: false })]);
    await this.collect.unused([image.configDigest, image.manifestDigest, ...image.layers.map((layer) => layer.digest), ...image.digests.map((name) => name.slice(name.indexOf('@') + 1))]);
    return doomed;
  }
}
