import type { PresentImage } from '../domain/image/image-decider.js';
import type { ImageDirectory } from './image-directory.js';
import type { Turns } from './tag-turns.js';

/** Whoever holds an image may have died over it. Longer than it takes to fill a container's volumes. */
const LIMIT_MS = 60 * 60_000;

interface Hold {
  readonly image: string;
  readonly until: number;
}

/** Images that containers are being made of, or come back with: they are in use, though no container tells so yet. */
export class ImageHolds {
  /** By container, the oldest first. */
  private readonly holds = new Map<string, Hold>();
  private readonly removals = new Map<string, Promise<unknown>>();

  constructor(
    private readonly directory: ImageDirectory,
    private readonly tagTurns: Turns,
  ) {}

  /** The image that `text` means, which stays until `release`. Once it is being removed this waits, and rejects as not-found when it is gone. */
  async hold(text: string, container: string): Promise<PresentImage> {
    this.forgetLapsed();
    for (;;) {
      const { image } = this.directory.find(text);
      const removal = this.removals.get(image.configDigest);
      if (removal === undefined) {
        this.holds.set(container, { image: image.configDigest, until: performance.now() + LIMIT_MS });
        return image;
      }
      await removal.catch(() => undefined);
    }
  }

  /** The container is there, or came to nothing. A removal whose turn it is may have asked for all containers before. */
  release(container: string): void {
    void this.tagTurns.take(() => Promise.resolve(this.holds.delete(container)));
  }

  /** A container that is being made of the image, or comes back. */
  containerOf({ configDigest }: PresentImage): string | undefined {
    this.forgetLapsed();
    for (const [container, { image }] of this.holds) if (image === configDigest) return container;
    return undefined;
  }

  /** In its turn, right after nobody was found to hold it: whoever wants to from now on waits for what comes of `removal`. */
  async removing<T>({ configDigest }: PresentImage, removal: () => Promise<T>): Promise<T> {
    const underWay = removal().finally(() => this.removals.delete(configDigest));
    this.removals.set(configDigest, underWay);
    return await underWay;
  }

  private forgetLapsed(): void {
    for (const [container, { until }] of this.holds) {
      if (until > performance.now()) return;
      this.holds.delete(container);
    }
  }
}
