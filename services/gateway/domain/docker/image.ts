import type { ImageView } from '#contracts/images/images.js';
import { invalid, notFound } from '#libs/errors/errors.js';
import { unixSeconds } from './time.js';
import type { Filters } from '../requests/filters.js';
import { anyOf, booleanFilter, labelsFit } from '../requests/filters.js';
import { olderThanAll } from '../requests/older-than.js';
import { CONTAINER_CONFIG, forVersion } from './fields-by-version.js';
import { globFits } from './glob.js';

/** One item of GET /images/json (ImageSummary). */
export function imageSummary(view: ImageView, version: string): object {
  const fields = {
    Containers: -1,
    Created: unixSeconds(view.createdAt),
    Id: view.id,
    Labels: view.config.Labels ?? null,
    ParentId: '',
    RepoDigests: view.repoDigests,
    RepoTags: view.repoTags,
    SharedSize: -1,
    Size: view.sizeBytes,
  };
  return forVersion('imageSummary', fields, version);
}

/** docker-compose 1 speaks the newest version, and cannot make a container anew without what images had before 1.45. */
const NEEDS_CONTAINER_CONFIG = /^docker-compose\/1\./;

/** GET /images/{name}/json (ImageInspect). `client`: what it calls itself. */
export function imageInspect(view: ImageView, version: string, client = ''): object {
  const config = { User: '', Env: null, Cmd: null, Volumes: null, WorkingDir: '', Entrypoint: null, OnBuild: null, Labels: null, ...view.config };
  const fields = {
    Id: view.id,
    RepoTags: view.repoTags,
    RepoDigests: view.repoDigests,
    Parent: '',
    Comment: view.comment,
    Created: view.createdAt,
    DockerVersion: '',
    Author: view.author,
    Config: forVersion('imageConfig', config, version),
    Architecture: view.architecture,
    ...(view.variant === '' ? {} : { Variant: view.variant }),
    Os: view.os,
    Size: view.sizeBytes,
    GraphDriver: { Data: null, Name: 'overlay2' },
    RootFS: { Type: 'layers', Layers: view.diffIds },
    Metadata: { LastTagTime: '0001-01-01T00:00:00Z' },
  };
  return { ...forVersion('imageInspect', fields, version), ...(NEEDS_CONTAINER_CONFIG.test(client) ? { ContainerConfig: CONTAINER_CONFIG } : {}) };
}

interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly comment?: string;
  /** The step changed no file: it has no layer. */
  readonly empty_layer?: boolean;
}

/** GET /images/{name}/history, the newest step first, each with the bytes of its own layer. */
export function imageHistory(view: ImageView): object[] {
  // History entries come from an image's configuration (image-spec, config.md), which is JSON of this shape where it is sound.
  let layer = 0;
  const steps = (view.history as readonly HistoryEntry[]).map((step) => ({ ...step, bytes: step.empty_layer === true ? 0 : (view.layerBytes[layer++] ?? 0) })).toReversed();
  return steps.map((step, at) => ({
    Id: at === 0 ? view.id : '<missing>',
    Created: unixSeconds(step.created ?? view.createdAt),
    CreatedBy: step.created_by ?? '',
    Tags: at === 0 && view.repoTags.length > 0 ? view.repoTags : null,
    Size: step.bytes,
    Comment: step.comment ?? '',
  }));
}

export const IMAGE_FILTERS = ['reference', 'dangling', 'label', 'before', 'since', 'until'];

/** The images that fit; where references were asked for, each with those of its names alone that fit. */
export function filterImages(views: readonly ImageView[], filters: Filters, now: number): readonly ImageView[] {
  const createdAt = (name: 'before' | 'since'): number | undefined => {
    const wanted = filters.get(name)?.at(-1);
    const found = wanted === undefined ? undefined : views.find((view) => view.repoTags.includes(wanted) || view.repoTags.includes(`${wanted}:latest`) || view.id.replace('sha256:', '').startsWith(wanted.replace('sha256:', '')));
    if (wanted !== undefined && found === undefined) throw notFound(`No such image: ${/[:@]/.test(wanted) ? wanted : `${wanted}:latest`}`);
    return found === undefined ? undefined : Date.parse(found.createdAt);
  };
  const dangling = booleanFilter(filters, 'dangling');
  const before = createdAt('before');
  const since = createdAt('since');
  const isOld = olderThanAll(filters, now);
  return namedByReference(views, filters).filter((view) => {
    const created = Date.parse(view.createdAt);
    return (
      labelsFit(filters, view.config.Labels) &&
      (dangling === undefined || (view.repoTags.length === 0) === dangling) &&
      isOld(view.createdAt) &&
      (before === undefined || created < before) &&
      (since === undefined || created > since)
    );
  });
}

/** In characters, of one request: each is held against each name of an image. */
const LONGEST_REFERENCES = 32 * 1024;

function namedByReference(views: readonly ImageView[], filters: Filters): readonly ImageView[] {
  const references = filters.get('reference') ?? [];
  if (references.length === 0) return views;
  if (references.join('').length > LONGEST_REFERENCES) throw invalid('filters of references are too many or too long');
  const fits = (name: string): boolean => anyOf(filters, 'reference', (pattern) => referenceFits(pattern, name));
  const named = views.map((view) => ({ ...view, repoTags: view.repoTags.filter(fits), repoDigests: view.repoDigests.filter(fits) }));
  return named.filter(({ repoTags, repoDigests }) => repoTags.length > 0 || repoDigests.length > 0);
}

/** "debian", "debian:*", "a/*:v1": `*` and `?` stop at slashes; without a tag any tag fits, and any digest. */
function referenceFits(pattern: string, name: string): boolean {
  return globFits(pattern, name) || globFits(pattern, name.replace(/(@.*|:[^:/]*)$/, ''));
}
