import type { ContainerStatus, EndpointSettings } from '#contracts/containers/container-state.js';
import type { ContainerEvent } from '#contracts/containers/events.js';
import type { Commit, DomainEvent } from '#libs/event-store/event.js';

export type Created = Extract<ContainerEvent, { type: 'ContainerCreated' }>;
type Exited = Extract<ContainerEvent, { type: 'ContainerExited' }>;

/** One container as the log tells it; times are RFC 3339, as the events carry them. */
export interface ContainerAt {
  readonly id: string;
  readonly name: string;
  readonly status: ContainerStatus | 'removed';
  /** When `status` began. */
  readonly since: string;
  /** The event that made it, with what was edited since. */
  readonly created: Created;
  /** Of its edits: 1 is as it was created. */
  readonly version: number;
  /** What was edited while it runs, and its run does not have. */
  readonly pending?: readonly string[];
  /** How often it was asked to start; 0 before the first. */
  readonly start: number;
  /** By its policy, since somebody last started it: dockerd's RestartCount. */
  readonly restarts: number;
  /** 0 unless it runs. */
  readonly pid: number;
  readonly startedAt?: string;
  readonly endpoint?: EndpointSettings;
  /** Why the last start was made: a client asked for it, also as half of a restart, or its restart policy. */
  readonly startReason?: string;
  readonly startError?: string;
  readonly exit?: Exited;
  /** Of the run before this one. */
  readonly lastExit?: Exited;
  readonly restartDelayMs?: number;
  /** Asked for in this run, by whom. */
  readonly stop?: { readonly signal: number; readonly timeoutSeconds?: number; readonly at: string; readonly actor: string };
  readonly pausedBy?: string;
  /** Nobody may remove it: asked for by whom. */
  readonly protectedBy?: string;
  readonly removedBy?: string;
  /** Until then it can come back. */
  readonly keptUntil?: string;
  /** Who asked for it back from its removal, since when it has not run. */
  readonly restoredBy?: string;
}

/** One commit of a container; answers what it has made of the container, after each of its events. */
export function foldCommit(containers: Map<string, ContainerAt>, commit: Commit): readonly ContainerAt[] {
  const changed: ContainerAt[] = [];
  for (const raw of commit.events) {
    const event = raw as DomainEvent as ContainerEvent; // written by the containers service alone
    const after = apply(containers.get(event.container), event, commit.cause.actor);
    if (after === undefined) continue;
    containers.set(event.container, after);
    changed.push(after);
  }
  return changed;
}

function apply(before: ContainerAt | undefined, event: ContainerEvent, actor: string): ContainerAt | undefined {
  if (event.type === 'ContainerCreated') {
    return { id: event.container, name: event.name, status: 'created', since: event.at, created: event, version: 1, start: 0, restarts: 0, pid: 0 };
  }
  if (before === undefined) return undefined;
  const removing = before.status === 'removing';
  switch (event.type) {
    case 'StartRequested': {
      const { id, name, status, since, created, protectedBy, version, exit: lastExit = before.lastExit } = before;
      return { id, name, status, since, created, version, ...(protectedBy === undefined ? {} : { protectedBy }), ...(lastExit === undefined ? {} : { lastExit }), start: event.start, restarts: event.reason === 'restart-policy' ? before.restarts + 1 : 0, pid: 0, startReason: event.reason };
    }
    case 'ContainerStarted': {
      const running = { ...before, pid: event.pid, startedAt: event.at, ...(event.endpoint === undefined ? {} : { endpoint: event.endpoint }) };
      return removing ? running : { ...running, status: 'running', since: event.at };
    }
    case 'StartFailed':
      return { ...before, status: event.start > 1 ? 'exited' : 'created', since: event.at, pid: 0, startError: event.error };
    case 'KillRequested':
      return { ...before, stop: { signal: event.signal, at: event.at, actor } };
    case 'UnhealthyRestartRequested':
    case 'StopRequested': {
      const asked = { ...before, stop: { signal: event.signal, timeoutSeconds: event.timeoutSeconds, at: event.at, actor } };
      return before.status === 'restarting' ? { ...asked, status: 'exited', since: event.at } : asked;
    }
    case 'ContainerExited': {
      const { endpoint: _released, ...rest } = before;
      return { ...rest, pid: 0, exit: event, ...(removing ? {} : { status: 'exited' as const, since: event.at }) };
    }
    case 'ContainerUpdated':
      return { ...before, created: { ...before.created, hostConfig: { ...before.created.hostConfig, ...event.changes } } };
    case 'ContainerEdited': {
      const { config, hostConfig, path, args, mounts, version, ports } = event;
      const runs = before.status === 'running' || before.status === 'paused';
      const pending = runs ? [...new Set([...(before.pending ?? []), ...event.pending])] : [];
      return {
        ...before, version, created: { ...before.created, config, hostConfig, path, args, mounts }, ...(pending.length > 0 ? { pending } : {}),
        ...(ports === undefined || before.endpoint === undefined ? {} : { endpoint: { ...before.endpoint, ports } }),
      };
    }
    case 'ContainerPaused':
      return removing ? before : { ...before, status: 'paused', since: event.at, pausedBy: actor };
    case 'ContainerUnpaused':
      return removing ? before : { ...before, status: 'running', since: event.at };
    case 'RestartScheduled':
      return { ...before, status: 'restarting', since: event.at, restartDelayMs: event.delayMs };
    case 'ContainerRenamed':
      return { ...before, name: event.name };
    case 'LinkRemoved': {
      const { created } = before;
      return { ...before, created: { ...created, hostConfig: { ...created.hostConfig, Links: (created.hostConfig.Links ?? []).filter((link) => !link.endsWith(`:${event.alias}`)) } } };
    }
    case 'ContainerProtected':
      return { ...before, protectedBy: actor };
    case 'ContainerUnprotected': {
      const { protectedBy: _over, ...rest } = before;
      return rest;
    }
    case 'RestoreRequested':
      return { ...before, restoredBy: actor };
    case 'ContainerRestored': {
      const { removedBy: _over, keptUntil: _kept, pending: _had, ...rest } = before;
      return { ...rest, name: event.name, status: before.start > 0 ? 'exited' : 'created', since: event.at };
    }
    case 'RestoreFailed': {
      const { restoredBy: _failed, ...rest } = before;
      return rest;
    }
    case 'ContainerDiscarded': {
      const { keptUntil: _over, ...rest } = before;
      return rest;
    }
    case 'RemoveRequested':
      return { ...before, status: 'removing', since: event.at, removedBy: actor };
    case 'ContainerRemoved':
      return { ...before, status: 'removed', since: event.at, pid: 0, ...(event.keptUntil === undefined ? {} : { keptUntil: event.keptUntil }) };
    default:
      return before; // a later version's event
  }
}
