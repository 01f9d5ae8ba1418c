import type { ListedContainer } from '#contracts/containers/container-state.js';
import type { ImageView } from '#contracts/images/images.js';
import { ANONYMOUS_VOLUME_LABEL, type VolumeView } from '#contracts/volumes/volumes.js';
import { invalid } from '#libs/errors/errors.js';
import { isAtLeast } from '../api-version.js';
import { booleanFilter, type Filters, labelMatches, labelsFit } from './filters.js';
import { olderThan } from './older-than.js';

export const CONTAINER_PRUNE_FILTERS = ['label', 'label!', 'until'];
export const IMAGE_PRUNE_FILTERS = ['dangling', 'label', 'label!', 'until'];
export const VOLUME_PRUNE_FILTERS = ['all', 'label', 'label!'];
export const NETWORK_PRUNE_FILTERS = ['label', 'label!', 'until'];
export const BUILD_PRUNE_FILTERS = ['id', 'parent', 'type', 'description', 'inuse', 'shared', 'private', 'until'];

/** Containers that do not run, made before `until`. `now` in ms since 1970. */
export function prunableContainers(views: readonly ListedContainer[], filters: Filters, now: number): readonly ListedContainer[] {
  const isOld = olderThan(filters, now);
  return views.filter(({ status, createdAt, config }) => ['created', 'exited', 'dead'].includes(status) && isOld(createdAt) && pruneLabelsFit(filters, config.Labels));
}

/** Images that no container has: those without a tag, or with dangling=false all. */
export function prunableImages(views: readonly ImageView[], used: ReadonlySet<string>, filters: Filters, now: number): readonly ImageView[] {
  const isOld = olderThan(filters, now, 'images');
  const dangling = booleanFilter(filters, 'dangling') ?? true;
  return views.filter(({ id, repoTags, createdAt, config }) => !used.has(id) && (!dangling || repoTags.length === 0) && isOld(createdAt) && pruneLabelsFit(filters, config.Labels));
}

/** Volumes that no container has; since API 1.42 those alone that are anonymous, or labelled so, unless all=true. */
export function prunableVolumes(views: readonly VolumeView[], used: ReadonlySet<string>, filters: Filters, version: string): readonly VolumeView[] {
  const all = allFilter(filters) ?? !isAtLeast(version, '1.42');
  return views.filter(({ name, labels }) => !used.has(name) && (all || Object.hasOwn(labels, ANONYMOUS_VOLUME_LABEL)) && pruneLabelsFit(filters, labels));
}

/** `label!`: none of these may fit. */
function pruneLabelsFit(filters: Filters, labels: Readonly<Record<string, string>> | null | undefined): boolean {
  return labelsFit(filters, labels) && !(filters.get('label!') ?? []).some((wanted) => labelMatches(wanted, labels));
}

/** In the words that dockerd has for this filter alone. */
function allFilter(filters: Filters): boolean | undefined {
  try {
    return booleanFilter(filters, 'all');
  } catch (error) {
    throw invalid(`invalid filter 'all': strconv.ParseBool: parsing ${JSON.stringify(filters.get('all')?.[0])}: invalid syntax`, error);
  }
}
