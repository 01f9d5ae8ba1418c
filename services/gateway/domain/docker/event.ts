import { unixNanos, unixSeconds } from './time.js';
import type { Filters } from '../requests/filters.js';
import { anyOf, labelsFit } from '../requests/filters.js';

/** One event in dockerd's words. */
export interface DockerEvent {
  readonly type: 'container' | 'image' | 'volume' | 'network';
  readonly action: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly at: string;
}

/** One line of GET /events (swagger.yaml, EventMessage), with the fields before 1.22 for containers and images. */
export function eventLine(event: DockerEvent): string {
  const old = event.type === 'container' ? { status: event.action, id: event.id, from: event.attributes.image } : event.type === 'image' ? { status: event.action, id: event.id } : {};
  const fields = { ...old, Type: event.type, Action: event.action, Actor: { ID: event.id, Attributes: event.attributes }, scope: 'local', time: unixSeconds(event.at) };
  // Nanoseconds do not fit a double, so this one number is written by hand.
  return `${JSON.stringify(fields).slice(0, -1)},"timeNano":${unixNanos(event.at)}}\n`;
}

export const EVENT_FILTERS = ['type', 'event', 'container', 'image', 'label', 'volume', 'network', 'scope', 'daemon', 'plugin', 'service', 'node', 'secret', 'config'];

export function eventFits(event: DockerEvent, filters: Filters): boolean {
  const ownType = (type: string) => event.type === type;
  const { name, image } = event.attributes;
  return (
    anyOf(filters, 'type', ownType) &&
    anyOf(filters, 'event', (action) => event.action === action || event.action.startsWith(`${action}:`)) &&
    anyOf(filters, 'scope', (scope) => scope === 'local') &&
    anyOf(filters, 'container', (container) => ownType('container') && (event.id.startsWith(container) || name === container)) &&
    anyOf(filters, 'image', (wanted) => [event.id, name, image].some((one) => one === wanted || one?.replace(/:[^:/]*$/, '') === wanted)) &&
    anyOf(filters, 'volume', (volume) => ownType('volume') && event.id === volume) &&
    anyOf(filters, 'network', (network) => ownType('network') && (event.id.startsWith(network) || name === network)) &&
    labelsFit(filters, event.attributes)
  );
}
