import { conflict, notFound } from '#libs/errors/errors.js';
import { parseSubject } from '#libs/event-store/aggregate-subject.js';
import type { Commit } from '#libs/event-store/event.js';
import { type ContainerAt, foldContainers } from './container-fold.js';

export interface Target {
  readonly kind: 'container' | 'image' | 'volume' | 'network' | 'access';
  readonly id: string;
  /** All the log calls it, the newest last. */
  readonly names: readonly string[];
}

/**
 * The aggregate that a person means by `wanted`: a name, an id or the start of an id. What is there comes before what was removed, an exact name or
 * id before the start of one, the youngest of equal removed ones first. Throws `notFound`; `conflict` when several fit.
 */
export function findTarget(commits: readonly Commit[], wanted: string): Target {
  const containers = foldContainers(commits);
  const targets = [...[...containers.values()].map(ofContainer), ...others(commits)];
  const bare = wanted.replace(/^sha256:/, '').replace(/^\//, '');
  const exact = targets.filter(({ id, names }) => id === bare || names.includes(bare));
  const found = exact.length > 0 ? exact : bare.length > 0 && /^[0-9a-f]+$/.test(bare) ? targets.filter(({ id }) => id.startsWith(bare)) : [];
  const present = found.filter(({ gone }) => !gone);
  const [first, second] = present.length > 0 ? present : found.slice(-1);
  if (first === undefined) throw notFound(`the log knows no container, image, volume, network or refused caller "${wanted}"`);
  if (second !== undefined) throw conflict(`"${wanted}" may be the ${first.kind} ${first.id} or the ${second.kind} ${second.id}: give more of the id`);
  return { kind: first.kind, id: first.id, names: first.names };
}

/** The container that `wanted` names, by the same rules. Throws `notFound`, `conflict`. */
export function findContainer(commits: readonly Commit[], wanted: string): ContainerAt {
  const onlyContainers = commits.filter(({ subject }) => subject.startsWith('berth.event.container.'));
  try {
    const container = foldContainers(onlyContainers).get(findTarget(onlyContainers, wanted).id);
    if (container !== undefined) return container;
  } catch (error) {
    if (!(error instanceof Error && 'kind' in error && error.kind === 'not-found')) throw error;
  }
  throw notFound(`the log knows no container "${wanted}"`);
}

type Candidate = Target & { readonly gone: boolean };

function ofContainer({ id, name, created, status }: ContainerAt): Candidate {
  return { kind: 'container', id, names: name === created.name ? [name] : [created.name, name], gone: status === 'removed' };
}

/** Images, volumes and networks: their events name them in `image`, `name` and `reference`. Those who were refused something are called as they are: "uid:1000". */
function* others(commits: readonly Commit[]): Iterable<Candidate> {
  const found = new Map<string, { kind: Target['kind']; id: string; names: Set<string>; gone: boolean }>();
  for (const { subject, events } of commits) {
    const { kind, id } = parseSubject(subject);
    if (kind !== 'image' && kind !== 'volume' && kind !== 'network' && kind !== 'access') continue;
    const entry = found.get(subject) ?? { kind, id: id.replace(/^sha256:/, ''), names: new Set<string>(), gone: false };
    found.set(subject, entry);
    for (const event of events as readonly { readonly type: string; readonly name?: string; readonly reference?: string }[]) {
      if (event.name !== undefined) entry.names.add(event.name);
      if (event.reference !== undefined) for (const name of referenceNames(event.reference)) entry.names.add(name);
      entry.gone = /^(Image|Volume|Network)Removed$/.test(event.type);
    }
  }
  for (const { names, ...entry } of found.values()) yield { ...entry, names: [...names] };
}

/** "docker.io/library/busybox:latest" is also called "busybox:latest" and "busybox". */
function referenceNames(reference: string): string[] {
  const short = reference.replace(/^docker\.io\/(library\/)?/, '');
  return [reference, short, short.replace(/:latest$/, '')];
}
