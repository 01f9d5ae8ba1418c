import type { ImageEvent } from '#contracts/images/images.js';
import type { DockerEvent } from './event.js';

/**
 * What one commit on an image is in dockerd's words. A pull is named by the reference that was pulled, all else by the image's id; the names that
 * come with a pull or a load are no events of their own. `labels`: by image, of those that have some; what is deleted has none any more.
 */
export function imageEvents(commit: readonly { readonly type: string }[], labels: ReadonlyMap<string, Readonly<Record<string, string>>>): DockerEvent[] {
  const events = commit as readonly ImageEvent[]; // of other aggregates' events none has these types
  const added = events.find((event) => event.type === 'ImageAdded');
  const tagged = events.filter((event) => event.type === 'ImageTagged').map(({ reference }) => reference);
  // An import is told after the name that it got.
  const told = added?.origin === 'import' ? [...events.filter((event) => event !== added), added] : events;
  const of = (action: string, image: string, at: string, name = image): DockerEvent => ({ type: 'image', action, id: image, attributes: { ...labels.get(image), name }, at });
  return told.flatMap((event): DockerEvent[] => {
    switch (event.type) {
      case 'ImageAdded': {
        if (event.origin === 'commit') return []; // the container's event tells of it
        const [reference] = tagged;
        if (event.origin !== 'pull' || reference === undefined) return [of(event.origin, event.image, event.at)];
        return [{ type: 'image', action: 'pull', id: reference, attributes: { ...labels.get(event.image), name: reference.replace(/:[^:/]*$/, '') }, at: event.at }];
      }
      case 'ImageTagged':
        return added === undefined || added.origin === 'import' || added.origin === 'commit' ? [of('tag', event.image, event.at, event.reference)] : [];
      case 'ImageUntagged':
        return [of('untag', event.image, event.at)];
      case 'ImageRemoved':
        return [{ type: 'image', action: 'delete', id: event.image, attributes: { name: event.image }, at: event.at }];
      default:
        return [];
    }
  });
}
