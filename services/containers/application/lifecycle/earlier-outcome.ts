import type { ContainerEvent } from '#contracts/containers/events.js';
import { internal } from '#libs/errors/errors.js';
import type { Containers } from '../names/container-directory.js';

/**
 * What became of an intent at `position`, of which the same request was told before: the first of the events that end one of its kind. Throws what it failed for, since who asks
 * again must not take it for done. Undefined: it is under way, or to be gone on with.
 */
export async function earlierOutcome(containers: Pick<Containers, 'firstAfter'>, id: string, position: number, ends: readonly ContainerEvent['type'][]): Promise<ContainerEvent | undefined> {
  const outcome = await containers.firstAfter(id, position, ({ type }) => ends.includes(type));
  if (outcome !== undefined && 'error' in outcome) throw internal(outcome.error);
  return outcome;
}
