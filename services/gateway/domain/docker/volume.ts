import type { VolumeView } from '#contracts/volumes/volumes.js';
import { errorMessage, invalid } from '#libs/errors/errors.js';
import type { Filters } from '../requests/filters.js';
import { anyOf, booleanFilter, labelsFit, nameFilter, readFilters } from '../requests/filters.js';

/** swagger.yaml, Volume. */
export function dockerVolume(view: VolumeView): object {
  return { CreatedAt: view.createdAt, Driver: view.driver, Labels: orNull(view.labels), Mountpoint: view.mountpoint, Name: view.name, Options: orNull(view.options), Scope: 'local' };
}

/** What was left out at its creation. Clients that mean nothing leave it out, nearly all. */
const orNull = (words: Readonly<Record<string, string>>): object | null => (Object.keys(words).length === 0 ? null : words);

const VOLUME_FILTERS = ['name', 'driver', 'label', 'dangling'];

/** As readFilters, in the words that dockerd has here alone. */
export function readVolumeFilters(text: string | undefined): Filters {
  try {
    readFilters(text);
  } catch (error) {
    throw invalid(`error reading volume filters: ${errorMessage(error)}`, error);
  }
  return readFilters(text, VOLUME_FILTERS);
}

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
