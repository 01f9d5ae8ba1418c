import type { ContainerMount } from '#contracts/containers/container-state.js';
import type { ContainerEvent, ExecEvent } from '#contracts/containers/events.js';
import type { TaskEvent } from '#contracts/executor/tasks.js';
import type { PruneEvent } from '#contracts/gateway/prune-events.js';
import type { ImageEvent } from '#contracts/images/images.js';
import type { NetworkEvent, PoolEvent } from '#contracts/networks/events.js';
import type { VolumeEvent } from '#contracts/volumes/volumes.js';
import type { DockerEvent } from './event.js';
import { secondsBetween } from './time.js';
import { imageEvents } from './image-events.js';

/** Aggregates whose events are told of. */
export const LOGGED_KINDS = ['container', 'exec', 'task', 'image', 'volume', 'network', 'pool', 'prune'] as const;
export type LoggedEvent = ContainerEvent | ExecEvent | TaskEvent | ImageEvent | NetworkEvent | PoolEvent | VolumeEvent | PruneEvent;

const SIGKILL = '9';

interface Known {
  name: string;
  readonly image: string;
  labels: Readonly<Record<string, string>>;
  /** Name of its network; absent where it has none of its own. */
  readonly network?: string;
  volumes: readonly ContainerMount[];
  stopping: boolean;
  restarting: boolean;
  running: boolean;
  /** Its run has been told to be out of memory. */
  outOfMemory: boolean;
  /** It has an endpoint in its network: what failed later lets go of it again. */
  connected: boolean;
  startedAt: string;
}

interface KnownExec {
  readonly container: string;
  readonly command: string;
}

interface KnownNetwork {
  readonly id: string;
  readonly type: string;
}

/** What DockerEvents remembers, as JSON. */
export interface FrozenDockerEvents {
  readonly containers: readonly (readonly [id: string, known: Known])[];
  readonly execs: readonly (readonly [id: string, exec: KnownExec])[];
  readonly networks: readonly (readonly [name: string, network: KnownNetwork])[];
  readonly imageLabels: readonly (readonly [image: string, labels: Readonly<Record<string, string>>])[];
}

/**
 * Turns Berth's log into dockerd's events, in dockerd's order. Events of the log name a container by id alone; dockerd's carry its name, image and
 * labels, so what was created is remembered until it is removed. Feed it the log from the beginning, commit by commit.
 */
export class DockerEvents {
  private readonly containers = new Map<string, Known>();
  private readonly execs = new Map<string, KnownExec>();
  private readonly networks = new Map<string, KnownNetwork>();
  private readonly imageLabels = new Map<string, Readonly<Record<string, string>>>();

  /** What was known at some position: events after it can be translated from there on. */
  static from(frozen: FrozenDockerEvents): DockerEvents {
    const events = new DockerEvents();
    for (const [id, known] of frozen.containers) events.containers.set(id, { ...known });
    for (const [id, exec] of frozen.execs) events.execs.set(id, exec);
    for (const [name, network] of frozen.networks) events.networks.set(name, network);
    for (const [image, labels] of frozen.imageLabels) events.imageLabels.set(image, labels);
    return events;
  }

  /** One that goes on by itself. */
  copy(): DockerEvents {
    return DockerEvents.from(this.freeze());
  }

  freeze(): FrozenDockerEvents {
    return { containers: Array.from(this.containers, ([id, known]) => [id, { ...known }] as const), execs: [...this.execs], networks: [...this.networks], imageLabels: [...this.imageLabels] };
  }

  /** What the events of one commit are in dockerd's words: none, one, or several. */
  translate(events: readonly LoggedEvent[]): readonly DockerEvent[] {
    for (const event of events) if (event.type === 'ImageAdded' && event.labels !== undefined) this.imageLabels.set(event.image, event.labels);
    const told = [...events.flatMap((event) => this.one(event)), ...imageEvents(events, this.imageLabels)];
    for (const event of events) if (event.type === 'ImageRemoved') this.imageLabels.delete(event.image);
    return told;
  }

  private one(event: LoggedEvent): readonly DockerEvent[] {
    switch (event.type) {
      case 'NetworkCreated':
        this.networks.set(event.name, { id: event.id, type: event.driver });
        return [];
      case 'EndpointAllocated': {
        const known = this.containers.get(event.container);
        if (known !== undefined) known.connected = true;
        return [];
      }
      case 'VolumeCreated':
      case 'VolumeRestored':
        return [{ type: 'volume', action: 'create', id: event.name, attributes: { driver: event.driver }, at: event.at }];
      case 'VolumeRemoved':
        return [{ type: 'volume', action: 'destroy', id: event.name, attributes: { driver: 'local' }, at: event.at }];
      case 'Pruned':
        return [{ type: event.kind, action: 'prune', id: '', attributes: { reclaimed: String(event.reclaimedBytes) }, at: event.at }];
      case 'ContainerCreated':
      case 'ContainerRestored': // for who has seen its end, it is made
        this.containers.set(event.container, knownOf(event));
        return this.of(event, 'create');
      case 'ExecCreated': {
        const command = commandOf(event.config.args);
        this.execs.set(event.exec, { container: event.container, command });
        return this.of(event, `exec_create: ${command}`, { execID: event.exec });
      }
      case 'ExecStarted': {
        const exec = this.execs.get(event.exec);
        return exec === undefined ? [] : this.of(event, `exec_start: ${exec.command}`, { execID: event.exec });
      }
      case 'ExecStartFailed':
        return []; // as dockerd, which tells of one that has begun
      case 'ExecExited':
        return this.execs.delete(event.exec) ? this.of(event, 'exec_die', { execID: event.exec, exitCode: String(event.exitCode) }) : [];
      case 'TaskOutOfMemory': {
        const known = this.containers.get(event.container);
        if (known === undefined) return [];
        known.outOfMemory = true;
        return this.of(event, 'oom');
      }
      default:
        if (!('container' in event) || !('at' in event)) return [];
        return this.ofKnown(event as ContainerEvent, this.containers.get(event.container));
    }
  }

  private ofKnown(event: ContainerEvent, known: Known | undefined): readonly DockerEvent[] {
    if (known === undefined) return [];
    switch (event.type) {
      case 'StartRequested':
        known.restarting = event.reason === 'restart';
        known.connected = false;
        return [];
      case 'ContainerStarted':
        known.startedAt = event.at;
        known.running = true;
        return [...this.joined(event, known), ...this.of(event, 'start'), ...(known.restarting ? this.of(event, 'restart') : [])];
      case 'StartFailed':
        return known.connected || known.network === 'host' || known.network === 'none' ? [...this.joined(event, known), ...this.left(event, known)] : [];
      case 'ContainerAttached':
        return this.of(event, 'attach');
      case 'ContainerDetached':
        return event.exec === undefined ? this.of(event, 'detach') : this.of(event, 'exec_detach', { execID: event.exec });
      case 'TerminalResized':
        return this.of(event, 'resize', { height: String(event.rows), width: String(event.columns) });
      case 'KillRequested':
        return this.of(event, 'kill', { signal: String(event.signal) });
      case 'UnhealthyRestartRequested':
      case 'StopRequested':
        // It waited for its restart: no signal is sent, and no end comes.
        if (!known.running) return this.of(event, 'stop');
        known.stopping = true;
        return this.of(event, 'kill', { signal: String(event.signal) });
      case 'ContainerExited':
        return this.exited(event, known);
      case 'ContainerEdited':
        known.labels = event.config.Labels ?? {};
        known.volumes = event.mounts.filter(({ type }) => type === 'volume');
        return this.of(event, 'update');
      case 'ContainerUpdated':
        return this.of(event, 'update');
      case 'ArchiveRead':
        return this.of(event, 'archive-path');
      case 'ArchiveWritten':
        return this.of(event, 'extract-to-dir');
      case 'ContainerExported':
        return this.of(event, 'export');
      case 'ContainerCommitted':
        return this.of(event, 'commit', { comment: event.comment, imageID: event.image, imageRef: event.reference });
      case 'ProcessesListed':
        return this.of(event, 'top');
      case 'ContainerPaused':
        return this.of(event, 'pause');
      case 'ContainerUnpaused':
        return this.of(event, 'unpause');
      case 'HealthProbed':
        return [...this.checked(event), ...(event.status === event.was ? [] : this.of(event, `health_status: ${event.status}`))];
      case 'ContainerRenamed':
        known.name = event.name;
        return this.of(event, 'rename', { oldName: `/${event.oldName}` });
      case 'RemoveRequested':
        return known.running ? this.of(event, 'kill', { signal: SIGKILL }) : [];
      case 'ContainerRemoved': {
        const destroyed = this.of(event, 'destroy');
        this.containers.delete(event.container);
        // Those that were never started; the others ended with their task.
        for (const [exec, { container }] of this.execs) if (container === event.container) this.execs.delete(exec);
        return destroyed;
      }
      default:
        return [];
    }
  }

  /** The exec that a health check is for dockerd's clients. Told when it is over, with the times at which it was so. */
  private checked({ container, probe, exec }: Extract<ContainerEvent, { type: 'HealthProbed' }>): readonly DockerEvent[] {
    if (exec === undefined) return [];
    const { id: execID, args, startedAt, end } = exec;
    const command = commandOf(args);
    return [
      ...this.of({ container, at: probe.startedAt }, `exec_create: ${command}`, { execID }),
      ...(startedAt === undefined ? [] : this.of({ container, at: startedAt }, `exec_start: ${command}`, { execID })),
      ...(end === undefined ? [] : this.of({ container, at: end.at }, 'exec_die', { execID, exitCode: String(end.exitCode) })),
    ];
  }

  private exited(event: Extract<ContainerEvent, { type: 'ContainerExited' }>, known: Known): readonly DockerEvent[] {
    const execDuration = String(secondsBetween(known.startedAt || event.at, event.at));
    const stopped = known.stopping;
    known.stopping = false;
    known.running = false;
    // Engines before told of it by the end alone.
    const untold = event.oomKilled && !known.outOfMemory;
    known.outOfMemory = false;
    return [
      ...(event.reason === 'stop-timeout' ? this.of(event, 'kill', { signal: SIGKILL }) : []),
      ...(untold ? this.of(event, 'oom') : []),
      ...this.of(event, 'die', { execDuration, exitCode: String(event.exitCode) }),
      ...this.left(event, known),
      ...(stopped ? this.of(event, 'stop') : []),
    ];
  }

  private joined(event: { readonly container: string; readonly at: string }, known: Known): DockerEvent[] {
    const { container, at } = event;
    const mounts = known.volumes.map(({ name = '', target, readOnly, propagation }): DockerEvent => {
      const attributes = { container, destination: target, driver: 'local', propagation, 'read/write': String(!readOnly) };
      return { type: 'volume', action: 'mount', id: name, attributes, at };
    });
    return [...this.ofNetwork('connect', event, known), ...mounts];
  }

  private left(event: { readonly container: string; readonly at: string }, known: Known): DockerEvent[] {
    const { container, at } = event;
    const unmounts = known.volumes.map(({ name = '' }): DockerEvent => ({ type: 'volume', action: 'unmount', id: name, attributes: { container, driver: 'local' }, at }));
    return [...this.ofNetwork('disconnect', event, known), ...unmounts];
  }

  private ofNetwork(action: string, { container, at }: { readonly container: string; readonly at: string }, { network: name }: Known): DockerEvent[] {
    const network = name === undefined ? undefined : this.networks.get(name);
    if (name === undefined || network === undefined) return [];
    return [{ type: 'network', action, id: network.id, attributes: { container, name, type: network.type }, at }];
  }

  private of({ container, at }: { readonly container: string; readonly at: string }, action: string, more: Record<string, string> = {}): DockerEvent[] {
    const { labels, image = '', name = '' } = this.containers.get(container) ?? {};
    return [{ type: 'container', action, id: container, attributes: { ...labels, image, name, ...more }, at }];
  }
}

/** The blank after the first word is dockerd's, also where no more words follow. */
function commandOf([first = '', ...more]: readonly string[]): string {
  return `${first} ${more.join(' ')}`;
}

function knownOf({ name, config, hostConfig, imageRef, mounts }: Extract<ContainerEvent, { type: 'ContainerCreated' | 'ContainerRestored' }>): Known {
  const mode = hostConfig.NetworkMode || 'default';
  return {
    name,
    image: config.Image ?? imageRef,
    labels: config.Labels ?? {},
    ...(mode.startsWith('container:') ? {} : { network: mode === 'default' ? 'bridge' : mode }),
    volumes: mounts.filter(({ type }) => type === 'volume'),
    stopping: false,
    restarting: false,
    running: false,
    outOfMemory: false,
    connected: false,
    startedAt: '',
  };
}
