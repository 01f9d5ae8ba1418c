import type { VolumeView } from '#contracts/volumes/volumes.js';
import type { Filters } from '../requests/filters.js';
import { anyOf, booleanFilter, labelsFit, nameFilter } from '../requests/filters.js';

/** swagger.yaml, Volume. */
export function dockerVolume(view: VolumeView): object {
  return { CreatedAt: view.createdAt, Driver: view.driver, Labels: orNull(view.labels), Mountpoint: view.mountpoint, Name: view.name, Options: orNull(view.options), Scope: 'local' };
}

/** What was left out at its creation. Clients that mean nothing leave it out, nearly all. */
const orNull = (words: Readonly<Record<string, string>>): object | null => (Object.keys(words).length === 0 ? null : words);

export const VOLUME_FILTERS = ['name', 'driver', 'label', 'dangling'];

/** `inUse`: names of volumes that some container has. */
export function filterVolumes(views: readonly VolumeView[], filters: Filters, inUse: ReadonlySet<string>): readonly VolumeView[] {
  const dangling = booleanFilter(filters, 'dangling');
  const named = nameFilter(filters);
  return views.filter(
    (view) =>
      labelsFit(filters, view.labels) &&
      named(view.name) &&
      anyOf(filters, 'driver', (driver) => view.driver === driver) &&
      (dangling === undefined || !inUse.has(view.name) === dangling),
  );
}
