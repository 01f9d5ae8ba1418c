import { ListContainers } from '#contracts/containers/queries.js';
import type { RemoveImage } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import { BerthError, conflict } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import type { PresentImage } from '../domain/image/image-decider.js';
import { areOne, goesWith } from '../domain/image/names.js';
import type { ClearImage } from './clear-image.js';
import { hexOfId, type ImageAggregates, type ImageDirectory } from './image-directory.js';
import type { ImageHolds } from './image-holds.js';
import type { Turns } from './tag-turns.js';
import type { UnsureImages } from './unsure-images.js';

export interface Removed {
  readonly untagged: readonly string[];
  readonly deleted: readonly string[];
  readonly position: number;
}

/** What came of it in its turn. `gone`: an image, of which layers and blobs are left. */
interface Outcome {
  readonly untagged: readonly string[];
  readonly position: number;
  readonly gone?: PresentImage;
}

const RUNNING = new Set(['running', 'paused', 'restarting']);

const short = (id: string): string => hexOfId(id).slice(0, 12);

/** `docker rmi`: takes a name away; with the last name goes the image, and what of its layers and blobs no other image has. */
export class RemoveOneImage {
  constructor(
    private readonly aggregates: ImageAggregates,
    private readonly directory: ImageDirectory,
    private readonly clear: ClearImage,
    private readonly unsure: UnsureImages,
    private readonly bus: Bus,
    private readonly tagTurns: Turns,
    private readonly holds: ImageHolds,
  ) {}

  async run(command: RemoveImage, asked: RequestContext): Promise<Removed> {
    const { untagged, position, gone } = await this.tagTurns.take(() => this.remove(command, asked)).catch((error: unknown) => this.removedBefore(command.image, error, asked));
    // Not in the turn: the disk, and an executor that is away, take their time, and every other tag would wait for them.
    return { untagged, deleted: gone ? [gone.configDigest, ...(await this.clear.run(gone, asked))] : [], position };
  }

  private async remove({ image: text, force, knownAs }: RemoveImage, asked: RequestContext): Promise<Outcome> {
    const { image, by } = this.directory.find(text);
    const names = [...this.directory.tagsOf(image), ...image.digests];
    if (knownAs !== undefined) return await this.removeAsKnown(image, names, knownAs, asked);
    if (by === undefined) return await this.removeUnlessUsed(image, names, undefined, force, asked);
    const untagged = goesWith(by, names);
    if (untagged.length === names.length) return await this.removeUnlessUsed(image, names, text, force, asked);
    return { untagged, position: await this.untag(image, untagged, asked) };
  }

  /** What the same request came to before, of which nothing is there to be found. Rejects with `error` where there was none. */
  private async removedBefore(text: string, error: unknown, { idempotencyKey: key }: RequestContext): Promise<Outcome> {
    if (!(error instanceof BerthError) || error.kind !== 'not-found' || key === undefined) throw error;
    for (const hex of await this.aggregates.everWith((event) => this.directory.tookAway(text, event))) {
      const { events, position } = (await this.aggregates.doneBefore(hex, 'Remove', key)) ?? (await this.aggregates.doneBefore(hex, 'Untag', key)) ?? {};
      if (events === undefined || position === undefined) continue;
      const untagged = events.flatMap((event) => (event.type === 'ImageUntagged' ? [event.reference] : []));
      const isGone = events.some(({ type }) => type === 'ImageRemoved') && this.directory.get(hex) === undefined;
      const gone = isGone ? await this.lastOf(hex) : undefined;
      return { untagged, position, ...(gone === undefined ? {} : { gone }) };
    }
    throw error;
  }

  private async lastOf(hex: string): Promise<PresentImage | undefined> {
    let last: PresentImage | undefined;
    await this.aggregates.eachState(hex, (state) => {
      if (state.status === 'present') last = state;
    });
    return last;
  }

  private async removeAsKnown(image: PresentImage, names: readonly string[], knownAs: readonly string[], asked: RequestContext): Promise<Outcome> {
    const unknown = names.find((name) => !knownAs.includes(name));
    if (unknown !== undefined) throw conflict(`conflict: unable to delete ${short(image.configDigest)} - it is ${unknown} by now`);
    return await this.removeUnlessUsed(image, names, undefined, false, asked, true);
  }

  /** A container's root stands on the image's layers: they stay while it is there, or being made, or brought back. By force only the names go. `by`: the name that was given, where it was not an id. `allNames`: how many there are does not count. */
  private async removeUnlessUsed(image: PresentImage, names: readonly string[], by: string | undefined, force: boolean, asked: RequestContext, allNames = force): Promise<Outcome> {
    const { containers } = await this.bus.request(ListContainers, { all: true, restoring: true }, asked);
    const users = containers.filter((container) => container.imageId === image.configDigest);
    const beingMade = this.holds.containerOf(image);
    const user = users.find(({ status }) => RUNNING.has(status)) ?? users[0] ?? (beingMade === undefined ? undefined : { id: beingMade, status: 'created' });
    const id = short(image.configDigest);
    const runs = user !== undefined && RUNNING.has(user.status);
    if (by === undefined && !runs && !allNames && !areOne(names)) throw conflict(`conflict: unable to delete ${id} (must be forced) - image is referenced in multiple repositories`);
    if (!user) return await this.holds.removing(image, () => this.removeWhole(image, names, asked));
    const container = user.id.slice(0, 12);
    if (by === undefined && (runs || !force))
      throw conflict(`conflict: unable to delete ${id} (${runs ? 'cannot be forced' : 'must be forced'}) - image is being used by ${runs ? 'running' : 'stopped'} container ${container}`);
    if (!force) throw conflict(`conflict: unable to remove repository reference "${by}" (must force) - container ${container} is using its referenced image ${id}`);
    return { untagged: names, position: await this.untag(image, names, asked) };
  }

  private async removeWhole(image: PresentImage, names: readonly string[], asked: RequestContext): Promise<Outcome> {
    const command = { type: 'Remove', image: image.configDigest, at: new Date().toISOString() } as const;
    const removed = await this.aggregates.execute(hexOfId(image.configDigest), command, asked).catch((error: unknown) => {
      this.unsure.afterRemoval(image.configDigest, error);
      throw error;
    });
    // Still there where the same request removed it before, and it has come again.
    return { untagged: names, position: removed.position, ...(this.directory.get(image.configDigest) === undefined ? { gone: image } : {}) };
  }

  private async untag(image: PresentImage, references: readonly string[], asked: RequestContext): Promise<number> {
    const command = { type: 'Untag', image: image.configDigest, references, at: new Date().toISOString() } as const;
    return (await this.aggregates.execute(hexOfId(image.configDigest), command, asked)).position;
  }
}
