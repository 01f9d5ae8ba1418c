import { parseSubject } from '#libs/event-store/aggregate-subject.js';
import type { Commit, DomainEvent } from '#libs/event-store/event.js';
import type { Target } from './find-subject.js';

/** What an event names beside its subject. An endpoint is called after its container and start; its release names no container. */
type Naming = DomainEvent & { readonly container?: unknown; readonly endpoint?: unknown };

const HISTORIES: ReadonlySet<string> = new Set<Target['kind']>(['container', 'image', 'volume', 'network', 'access']);

/** The subjects whose history the commit is part of: each as `historyKey` has it, once. */
export function concernedBy({ subject, events }: Pick<Commit, 'subject' | 'events'>): Set<string> {
  const { kind, id } = parseSubject(subject);
  const keys = new Set<string>();
  if (HISTORIES.has(kind)) keys.add(historyKey(kind, id.replace(/^sha256:/, '')));
  if (kind === 'pool') keys.add(historyKey('network', id));
  if (kind === 'container') return keys;
  for (const { container, endpoint } of events as readonly Naming[]) {
    if (typeof container === 'string') keys.add(historyKey('container', container));
    if (typeof endpoint === 'string') keys.add(historyKey('container', endpoint.slice(0, Math.max(0, endpoint.lastIndexOf('-')))));
  }
  return keys;
}

/** `id` without "sha256:". */
export const historyKey = (kind: string, id: string): string => `${kind} ${id}`;

/** FNV-1a, 32 bits: what an index holds of a key. Two keys may share it, so what is found by it is looked at again. */
export function keyHash(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
