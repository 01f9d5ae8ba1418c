import { unixNanos, unixSeconds } from './time.js';
import type { Filters } from '../requests/filters.js';
import { anyOf, labelsFit } from '../requests/filters.js';

/** One event in dockerd's words. */
export interface DockerEvent {
  readonly type: 'container' | 'image' | 'volume' | 'network' | 'builder';
  readonly action: string;
  /** '': of none in particular. */
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly at: string;
}

/** One line of GET /events (swagger.yaml, EventMessage), with the fields before 1.22 for containers and images. */
export function eventLine(event: DockerEvent): string {
  const old = event.type === 'container' ? { status: event.action, id: event.id || undefined, from: event.attributes.image } : event.type === 'image' ? { status: event.action, id: event.id || undefined } : {};
  const fields = { ...old, Type: event.type, Action: event.action, Actor: { ID: event.id, Attributes: event.attributes }, scope: 'local', time: unixSeconds(event.at) };
  // Nanoseconds do not fit a double, so this one number is written by hand.
  return `${JSON.stringify(fields).slice(0, -1)},"timeNano":${unixNanos(event.at)}}\n`;
}

/** What events are of. Each is a filter of the beginning of an id or a name: in dockerd, of whatever the event is of. */
const ACTORS = ['container', 'daemon', 'plugin', 'volume', 'network', 'node', 'service', 'secret', 'config'];

export function eventFits(event: DockerEvent, filters: Filters): boolean {
  const { name, image } = event.attributes;
  return (
    anyOf(filters, 'type', (type) => event.type === type) &&
    anyOf(filters, 'event', (action) => event.action === action || event.action.startsWith(`${action}:`)) &&
    anyOf(filters, 'scope', (scope) => scope === 'local') &&
    ACTORS.every((actor) => anyOf(filters, actor, (wanted) => event.id.startsWith(wanted) || name?.startsWith(wanted) === true)) &&
    anyOf(filters, 'image', (wanted) => [event.id, event.type === 'image' ? name : image].some((one) => one === wanted || one?.replace(/:[^:/]*$/, '') === wanted)) &&
    labelsFit(filters, event.attributes)
  );
}
