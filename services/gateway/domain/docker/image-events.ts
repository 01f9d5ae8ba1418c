import type { ImageEvent } from '#contracts/images/images.js';
import type { DockerEvent } from './event.js';

/**
 * What one commit on an image is in dockerd's words. A pull is named by the reference that was pulled, all else by the image's id; the names that
 * come with a pull or a load are no events of their own, nor is it one that a name has gone to another image. `labels`: by image, of those that have some; what is deleted has none any more.
 */
export function imageEvents(commit: readonly { readonly type: string }[], labels: ReadonlyMap<string, Readonly<Record<string, string>>>): DockerEvent[] {
  const events = commit as readonly ImageEvent[]; // of other aggregates' events none has these types
  const added = events.find((event) => event.type === 'ImageAdded');
  const names = events.filter((event) => event.type === 'ImageTagged' || event.type === 'DigestRecorded').map(({ reference }) => reference);
  const came = added?.origin ?? (events.some(({ type }) => type === 'ImagePulled' || type === 'ImageLoaded') ? 'again' : undefined);
  // An import is told after the name that it got.
  const told = added?.origin === 'import' ? [...events.filter((event) => event !== added), added] : events;
  const of = (action: string, image: string, at: string, name = image): DockerEvent => ({ type: 'image', action, id: image, attributes: { ...labels.get(image), name }, at });
  const pulled = (image: string, reference: string, at: string): DockerEvent => ({ type: 'image', action: 'pull', id: reference, attributes: { ...labels.get(image), name: reference.replace(/[:@][^/]*$/, '') }, at });
  return told.flatMap((event): DockerEvent[] => {
    switch (event.type) {
      case 'ImageAdded': {
        if (event.origin === 'commit') return []; // the container's event tells of it
        const [reference] = names;
        return event.origin !== 'pull' || reference === undefined ? [of(event.origin, event.image, event.at)] : [pulled(event.image, reference, event.at)];
      }
      case 'ImagePulled':
        return [pulled(event.image, event.reference, event.at)];
      case 'ImageLoaded':
        return [of('load', event.image, event.at)];
      case 'ImageSaved':
        return [of('save', event.image, event.at)];
      case 'ImageTagged':
        return came === undefined || came === 'import' || came === 'commit' ? [of('tag', event.image, event.at, event.reference)] : [];
      case 'ImageUntagged':
        return event.movedTo === undefined ? [of('untag', event.image, event.at)] : [];
      case 'ImageRemoved':
        return [{ type: 'image', action: 'delete', id: event.image, attributes: { name: event.image }, at: event.at }];
      default:
        return [];
    }
  });
}
