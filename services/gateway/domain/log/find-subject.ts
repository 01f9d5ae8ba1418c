import { conflict, notFound } from '#libs/errors/errors.js';
import type { DomainEvent } from '#libs/event-store/event.js';
import type { ContainerAt } from './container-fold.js';

export interface Target {
  readonly kind: 'container' | 'image' | 'volume' | 'network' | 'access';
  readonly id: string;
  /** All the log calls it, the newest last. */
  readonly names: readonly string[];
  /** Those among them that it has no more; absent: it has all. */
  readonly former?: readonly string[];
}

/** What a name may mean. */
export interface Candidate extends Target {
  readonly gone: boolean;
  /** Position of its first commit. */
  readonly order: number;
}

/** An image, volume or network, or a caller who was refused something (called "uid:1000"), while its commits are seen. */
export interface Other {
  readonly kind: Exclude<Target['kind'], 'container'>;
  readonly id: string;
  readonly names: Set<string>;
  readonly former: Set<string>;
  gone: boolean;
  readonly order: number;
}

/** Characters of an id: enough to tell most from one another. */
const ID_START = 4;

/** What is compared with names and ids. */
export const bareName = (wanted: string): string => wanted.replace(/^sha256:/, '').replace(/^\//, '');

const isExactly = ({ id, names }: Target, bare: string): boolean => id === bare || names.includes(bare);
/** Not by a name that it had once: another may have it now. */
const isCalled = (target: Target, bare: string): boolean => isExactly(target, bare) && !target.former?.includes(bare);
const begins = ({ id }: Target, bare: string): boolean => /^[0-9a-f]+$/.test(bare) && id.startsWith(bare);

/** Whether `findTarget` looks at it: of the many that are gone only these need to be given. */
export const mayBeMeant = (candidate: Target, bare: string): boolean => isExactly(candidate, bare) || begins(candidate, bare);

/** Keys of which one at least is of `lookedUpBy` whatever `mayBeMeant` finds it by. */
export const foundBy = ({ id, names }: Target): readonly string[] => [`id ${id.slice(0, ID_START)}`, ...[id, ...names].map((name) => `name ${name}`)];

/** Undefined: it is the start of too many ids. */
export function lookedUpBy(bare: string): readonly string[] | undefined {
  const isHex = /^[0-9a-f]+$/.test(bare);
  if (isHex && bare.length < ID_START) return undefined;
  return [`name ${bare}`, ...(isHex ? [`id ${bare.slice(0, ID_START)}`] : [])];
}

/** Whether one of these is meant whatever else there is: nothing that is gone comes before it. */
export const isSettled = (present: readonly Candidate[], wanted: string): boolean => present.some((candidate) => !candidate.gone && isExactly(candidate, bareName(wanted)));

/**
 * The aggregate that a person means by `wanted`: a name, an id or the start of an id. What is there comes before what was removed, an exact name or
 * id before the start of one, who has the name before who had it, the youngest of equal removed or former ones first. Throws `notFound`; `conflict` when several fit.
 */
export function findTarget(candidates: readonly Candidate[], wanted: string): Candidate {
  const bare = bareName(wanted);
  const targets = candidates.toSorted((one, other) => Number(one.kind !== 'container') - Number(other.kind !== 'container') || one.order - other.order);
  const exact = targets.filter((target) => isExactly(target, bare));
  const found = exact.length > 0 ? exact : targets.filter((target) => begins(target, bare));
  const present = found.filter(({ gone }) => !gone);
  const called = present.filter((target) => isCalled(target, bare));
  const [first, second] = called.length > 0 ? called : present.length > 0 && exact.length === 0 ? present : (present.length > 0 ? present : found).slice(-1);
  if (first === undefined) throw notFound(`the log knows no container, image, volume, network or refused caller "${wanted}"`);
  if (second !== undefined) throw conflict(`"${wanted}" may be the ${first.kind} ${first.id} or the ${second.kind} ${second.id}: give more of the id`);
  return first;
}

/** The same of containers alone. */
export function findContainer(candidates: readonly Candidate[], wanted: string): Candidate {
  try {
    return findTarget(candidates.filter(({ kind }) => kind === 'container'), wanted);
  } catch (error) {
    if (error instanceof Error && 'kind' in error && error.kind === 'not-found') throw notFound(`the log knows no container "${wanted}"`);
    throw error;
  }
}

/** `former`: what it was called before, and is no more. */
export function candidateOf({ id, name, status }: ContainerAt, order: number, former: readonly string[]): Candidate {
  return { kind: 'container', id, names: [...former, name], ...(former.length > 0 ? { former } : {}), gone: status === 'removed', order };
}

/** One of which nothing is known yet. `id`: of its subject. */
export const unnamed = (kind: Other['kind'], id: string, order: number): Other => ({ kind, id: id.replace(/^sha256:/, ''), names: new Set(), former: new Set(), gone: false, order });

export function candidateOfOther({ names, former, ...other }: Other): Candidate {
  return { ...other, names: [...names], ...(former.size > 0 ? { former: [...former] } : {}) };
}

/** Events of images, volumes and networks name them in `name` and `reference`. */
export function nameOther(other: Other, events: readonly DomainEvent[]): void {
  for (const event of events as readonly { readonly type: string; readonly name?: string; readonly reference?: string }[]) {
    const names = [...(event.name === undefined ? [] : [event.name]), ...(event.reference === undefined ? [] : referenceNames(event.reference))];
    for (const name of names) {
      other.names.add(name);
      if (event.type === 'ImageUntagged') other.former.add(name);
      else other.former.delete(name);
    }
    other.gone = /^(Image|Volume|Network)Removed$/.test(event.type);
  }
}

/** "docker.io/library/busybox:latest" is also called "busybox:latest" and "busybox". */
function referenceNames(reference: string): string[] {
  const short = reference.replace(/^docker\.io\/(library\/)?/, '');
  return [reference, short, short.replace(/:latest$/, '')];
}
