import type { ContainerEvent, ExecEvent } from '#contracts/containers/events.js';
import type { TaskEvent } from '#contracts/executor/tasks.js';
import type { ImageEvent } from '#contracts/images/images.js';
import type { VolumeEvent } from '#contracts/volumes/volumes.js';
import { unixNanos, unixSeconds } from './docker-time.js';
import type { Filters } from './filters.js';
import { anyOf, labelsFit } from './filters.js';

type LoggedEvent = ContainerEvent | ExecEvent | TaskEvent | ImageEvent | VolumeEvent;

export interface DockerEvent {
  readonly type: 'container' | 'image' | 'volume' | 'network';
  readonly action: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly at: string;
}

interface Known {
  name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  stopping: boolean;
  startedAt: string;
}

interface KnownExec {
  readonly container: string;
  readonly command: string;
}

/** What DockerEvents remembers, as JSON. */
export interface FrozenDockerEvents {
  readonly containers: readonly (readonly [id: string, known: Known])[];
  readonly execs: readonly (readonly [id: string, exec: KnownExec])[];
}

/**
 * Turns Berth's log into dockerd's events. Events of the log name a container by id alone; dockerd's carry its name, image and labels, so what was
 * created is remembered until it is removed. Feed it the log from the beginning.
 */
export class DockerEvents {
  private readonly containers = new Map<string, Known>();
  private readonly execs = new Map<string, KnownExec>();

  /** What was known at some position: events after it can be translated from there on. */
  static from(frozen: FrozenDockerEvents): DockerEvents {
    const events = new DockerEvents();
    for (const [id, known] of frozen.containers) events.containers.set(id, { ...known });
    for (const [id, exec] of frozen.execs) events.execs.set(id, exec);
    return events;
  }

  freeze(): FrozenDockerEvents {
    return { containers: Array.from(this.containers, ([id, known]) => [id, { ...known }] as const), execs: [...this.execs] };
  }

  /** What one event of the log is in dockerd's words: none, one, or several. */
  translate(event: LoggedEvent): readonly DockerEvent[] {
    const of = (container: string, action: string, more: Record<string, string> = {}): DockerEvent[] => {
      const known = this.containers.get(container);
      return [{ type: 'container', action, id: container, attributes: { ...known?.labels, image: known?.image ?? '', name: known?.name ?? '', ...more }, at: event.at }];
    };
    const known = 'container' in event ? this.containers.get(event.container) : undefined;
    switch (event.type) {
      case 'ContainerCreated':
        this.containers.set(event.container, { name: event.name, image: event.config.Image ?? event.imageRef, labels: event.config.Labels ?? {}, stopping: false, startedAt: '' });
        return of(event.container, 'create');
      case 'ContainerStarted':
        if (known !== undefined) known.startedAt = event.at;
        return of(event.container, 'start');
      case 'KillRequested':
        return of(event.container, 'kill', { signal: String(event.signal) });
      case 'StopRequested':
        if (known !== undefined) known.stopping = true;
        return of(event.container, 'kill', { signal: String(event.signal) });
      case 'ContainerExited': {
        const stopped = known?.stopping ?? false;
        if (known !== undefined) known.stopping = false;
        const execDuration = String(Math.max(0, unixSeconds(event.at) - unixSeconds(known?.startedAt ?? event.at)));
        return [...(event.oomKilled ? of(event.container, 'oom') : []), ...of(event.container, 'die', { execDuration, exitCode: String(event.exitCode) }), ...(stopped ? of(event.container, 'stop') : [])];
      }
      case 'ContainerRenamed':
        if (known !== undefined) known.name = event.name;
        return of(event.container, 'rename', { oldName: `/${event.oldName}` });
      case 'ContainerRemoved': {
        const destroyed = of(event.container, 'destroy');
        this.containers.delete(event.container);
        // Those that were never started; the others ended with their task.
        for (const [exec, { container }] of this.execs) if (container === event.container) this.execs.delete(exec);
        return destroyed;
      }
      case 'ExecCreated': {
        const command = event.config.args.join(' ');
        this.execs.set(event.exec, { container: event.container, command });
        return of(event.container, `exec_create: ${command}`, { execID: event.exec });
      }
      case 'ExecStarted': {
        const exec = this.execs.get(event.exec);
        return exec === undefined ? [] : of(exec.container, `exec_start: ${exec.command}`, { execID: event.exec });
      }
      case 'ExecExited': {
        const exec = this.execs.get(event.exec);
        this.execs.delete(event.exec);
        return exec === undefined ? [] : of(exec.container, 'exec_die', { execID: event.exec, exitCode: String(event.exitCode) });
      }
      case 'ImageAdded':
        return [{ type: 'image', action: event.origin, id: event.image, attributes: { name: event.image }, at: event.at }];
      case 'ImageTagged':
        return [{ type: 'image', action: 'tag', id: event.image, attributes: { name: event.reference }, at: event.at }];
      case 'ImageUntagged':
        return [{ type: 'image', action: 'untag', id: event.image, attributes: { name: event.reference }, at: event.at }];
      case 'ImageRemoved':
        return [{ type: 'image', action: 'delete', id: event.image, attributes: { name: event.image }, at: event.at }];
      case 'VolumeCreated':
        return [{ type: 'volume', action: 'create', id: event.name, attributes: { driver: event.driver }, at: event.at }];
      case 'VolumeRemoved':
        return [{ type: 'volume', action: 'destroy', id: event.name, attributes: { driver: 'local' }, at: event.at }];
      default:
        return [];
    }
  }
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
