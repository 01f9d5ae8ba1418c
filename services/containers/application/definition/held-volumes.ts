import { GetVolume, HoldVolume, ReleaseVolumes, type VolumeView } from '#contracts/volumes/volumes.js';
import type { RequestContext } from '#contracts/request.js';
import { cameToNothing } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';

/** A volume that is there, and stays while `withVolumesHeld` lasts; for one that is `beingMade`, until it is there or given up. Rejects as not-found. */
export const holdVolume = (bus: Bus, { name, ...holder }: Pick<HoldVolume, 'name' | 'container' | 'beingMade'>, asked: RequestContext): Promise<VolumeView> => (asked.dryRun ? bus.request(GetVolume, { name }, asked) : bus.request(HoldVolume, { name, ...holder }, asked));

/** `hold` holds the volumes of a container, if there are any; `append` has it mount them. One at a time for a container. */
export async function withVolumesHeld<Held, Result>(bus: Bus, container: string, volumes: readonly unknown[], asked: RequestContext, hold: () => Promise<Held>, append: (held: Held) => Promise<Result>): Promise<Result> {
  let mayComeYet = false;
  try {
    const held = await hold();
    return await append(held).catch((error: unknown) => {
      mayComeYet = !cameToNothing(error);
      throw error;
    });
  } finally {
    if (!asked.dryRun && !mayComeYet && volumes.length > 0) await bus.request(ReleaseVolumes, { container }, asked).catch(() => undefined);
  }
}
