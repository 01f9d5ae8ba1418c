import { setTimeout as delay } from 'node:timers/promises';
import { RemoveLayer } from '#contracts/executor/host.js';
import type { RequestContext } from '#contracts/request.js';
import { BerthError } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import type { PresentImage } from '../domain/image/image-decider.js';
import type { ImageDirectory } from './image-directory.js';

/** An executor that is away is asked for longer; whoever let go has an answer to give. */
const PATIENCE_MS = 5_000;

/** Layers that are about to be an image's: none is removed meanwhile, and none stays that came to be no image's. */
export class LayerHolds {
  private readonly held = new Map<string, number>();
  private readonly removals = new Map<string, Promise<unknown>>();

  constructor(
    private readonly directory: ImageDirectory,
    private readonly bus: Bus,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  /** Resolves once no removal is under way that began before. What it resolves to lets them go, and removes those that no image has then, which it waits for a while; it does not reject. `chainIds`: bottom up. */
  async hold(chainIds: readonly string[], asked: RequestContext): Promise<() => Promise<void>> {
    for (const chainId of chainIds) this.held.set(chainId, (this.held.get(chainId) ?? 0) + 1);
    await Promise.allSettled(chainIds.map((chainId) => this.removals.get(chainId)));
    return async () => {
      for (const chainId of chainIds) this.held.set(chainId, (this.held.get(chainId) ?? 0) - 1);
      for (const chainId of chainIds) if (this.held.get(chainId) === 0) this.held.delete(chainId);
      const unused = this.unused(chainIds);
      if (unused.length > 0) await Promise.race([this.remove(unused, asked), delay(this.patienceMs, undefined, { ref: false })]);
    };
  }

  /** Of `chainIds`, bottom up, those that no image has, nor is about to; from the top. An image that goes does not count. */
  unused(chainIds: readonly string[], going?: PresentImage): string[] {
    const kept = new Set(this.held.keys());
    for (const image of this.directory.all()) if (image.configDigest !== going?.configDigest) for (const { chainId } of image.layers) kept.add(chainId);
    return chainIds.filter((chainId) => !kept.has(chainId)).reverse();
  }

  /** From the top. Those that are an image's, or held, when their turn comes stay. What cannot be removed, since the executor is down, is unknown to the log and goes with the next scrub. Does not reject. */
  async remove(chainIds: readonly string[], asked: RequestContext): Promise<void> {
    for (const chainId of chainIds) {
      if (this.unused([chainId]).length === 0) continue;
      const removal = this.removals.get(chainId) ?? this.begin(chainId, asked);
      const failure = await removal.then(() => undefined, (error: unknown) => error);
      // Each of the others would be waited for as long.
      if (failure instanceof BerthError && failure.kind === 'unavailable') return;
    }
  }

  private begin(chainId: string, asked: RequestContext): Promise<unknown> {
    const removal = this.bus.request(RemoveLayer, { chainId }, asked, { timeoutMs: 600_000, askAgainMs: 5_000 }).finally(() => this.removals.delete(chainId));
    this.removals.set(chainId, removal);
    return removal;
  }
}
