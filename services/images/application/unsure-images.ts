import type { RequestContext } from '#contracts/request.js';
import { cameToNothing } from '#libs/errors/errors.js';
import type { ContentLease, ContentStore } from '../adapters/content-store.js';
import type { CollectBlobs } from './collect-blobs.js';
import { hexOfId, type ImageAggregates, type ImageDirectory } from './image-directory.js';

/**
 * What the log may hold yet, though whoever asked for it was told that it did not answer. An image's next commit tells, since the log takes nothing any more that was decided before it;
 * until then an image that may come has what it needs, and one that may go is not taken for there.
 */
export class UnsureImages {
  private readonly coming = new Map<string, () => Promise<void>>();
  private readonly going = new Set<string>();
  /** Of tags that may move late: who is to hold them. */
  private readonly holders = new Map<string, string>();

  constructor(
    aggregates: ImageAggregates,
    private readonly directory: ImageDirectory,
    private readonly content: ContentStore,
    private readonly collect: CollectBlobs,
    private readonly onError: (error: unknown) => void,
  ) {
    aggregates.onCommit((hex) => {
      this.going.delete(hex);
      this.settle(hex);
    });
  }

  /** Of an image whose addition has failed with `error`: where it may come, it keeps the blobs of `lease`, and what `letGo` lets go. */
  async afterAddition(image: string, error: unknown, lease: ContentLease, letGo: () => Promise<void>): Promise<void> {
    const hex = hexOfId(image);
    if (cameToNothing(error) || this.coming.has(hex)) return await letGo();
    const kept = this.content.lease();
    for (const digest of lease.digests) await kept.keep(digest);
    this.coming.set(hex, async () => {
      kept.release();
      await letGo();
      await this.collect.unused(kept.digests);
    });
    if (this.directory.get(image) !== undefined) this.settle(hex);
  }

  afterRemoval(image: string, error: unknown): void {
    if (!cameToNothing(error)) this.going.add(hexOfId(image));
  }

  /** Tags that `image` is to hold from now on; `moving` to it, which failed where it rejects. */
  async moves<T>(tags: readonly string[], image: string, { dryRun }: RequestContext, moving: () => Promise<T>): Promise<T> {
    if (dryRun) return moving();
    for (const tag of tags) if (this.holders.has(tag)) this.holders.set(tag, image);
    try {
      return await moving();
    } catch (error) {
      if (!cameToNothing(error)) for (const tag of tags) this.holders.set(tag, image);
      throw error;
    }
  }

  /** The image that is to hold a tag that moved late. */
  holderOf(tag: string): string | undefined {
    return this.holders.get(tag);
  }

  /** Of `references`, those that are to be the image's once more: its record has them, but another holds them since, or the image may be gone. */
  onceMore(image: string, references: readonly string[]): readonly string[] {
    const known = this.directory.get(image);
    if (known === undefined) return [];
    if (this.going.has(hexOfId(image))) return references;
    const own = this.directory.tagsOf(known);
    return references.filter((reference) => known.tags.includes(reference) && !own.includes(reference));
  }

  private settle(hex: string): void {
    const done = this.coming.get(hex);
    this.coming.delete(hex);
    done?.().catch(this.onError);
  }
}
