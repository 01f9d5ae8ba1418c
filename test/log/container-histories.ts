import type { ContainerEvent, ExecEvent, NameEvent } from '#contracts/containers/events.js';
import type { TaskEvent } from '#contracts/executor/tasks.js';
import type { DomainEvent } from '#libs/event-store/event.js';

type Logged = ContainerEvent | NameEvent | ExecEvent | TaskEvent | PoolEvent | (VolumeEvent & DomainEvent);
type PoolEvent =
  | { readonly type: 'EndpointAllocated'; readonly endpoint: string; readonly container: string; readonly name: string; readonly address: string; readonly mac: string; readonly ports: readonly []; readonly at: string }
  | { readonly type: 'EndpointReleased'; readonly endpoint: string; readonly at: string };
type VolumeEvent =
  | { readonly type: 'VolumeCreated'; readonly name: string; readonly driver: string; readonly labels: object; readonly options: object; readonly anonymous: boolean; readonly at: string }
  | { readonly type: 'VolumeRemoved'; readonly name: string; readonly at: string };

export interface WrittenDecision {
  readonly subject: string;
  readonly event: Logged;
}

const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');

/** The whole life of container number `n`, in the log's order: created, started, one exec, exited, removed. With `stays`, all but its removal. */
export function* historyOf(n: number, { stays = false } = {}): Iterable<WrittenDecision> {
  const id = hex(n, 64);
  const exec = `e${hex(n, 63)}`;
  const volume = `f${hex(n, 63)}`;
  const name = `container-${n}`;
  const at = new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString();
  const [start, endpoint] = [1, `${id}-1`];
  const container = (event: ContainerEvent): WrittenDecision => ({ subject: `berth.event.container.${id}`, event });
  const task = (event: TaskEvent): WrittenDecision => ({ subject: `berth.event.task.${id}-1`, event });
  const pool = (event: PoolEvent): WrittenDecision => ({ subject: 'berth.event.pool.network', event });

  yield { subject: `berth.event.name.${name}`, event: { type: 'NameClaimed', name, container: id } };
  yield { subject: `berth.event.volume.${volume}`, event: { type: 'VolumeCreated', name: volume, driver: 'local', labels: {}, options: {}, anonymous: true, at } };
  yield container({
    type: 'ContainerCreated', container: id, name, config: { Image: 'busybox', Cmd: ['true'], Env: ['PATH=/bin'], Labels: { number: String(n) } }, hostConfig: { NetworkMode: 'bridge' }, imageId: `sha256:${'1'.repeat(64)}`,
    imageRef: 'busybox', layers: ['2'.repeat(64)], path: 'true', args: [], mounts: [{ type: 'volume', name: volume, source: `/volumes/${volume}`, target: '/data', readOnly: false, propagation: '', anonymous: true }], at,
  });
  yield container({ type: 'StartRequested', container: id, start, reason: 'api', at });
  yield pool({ type: 'EndpointAllocated', endpoint, container: id, name, address: `172.17.${(n >> 8) & 255}.${n & 255}`, mac: '02:42:ac:11:00:02', ports: [], at });
  yield task({ type: 'TaskRequested', container: id, start, at });
  yield task({ type: 'TaskStarted', container: id, start, pid: 1000 + (n % 30_000), at });
  yield container({ type: 'ContainerStarted', container: id, start, pid: 1000 + (n % 30_000), at });
  yield { subject: `berth.event.exec.${exec}`, event: { type: 'ExecCreated', exec, container: id, config: { args: ['true'], env: [], workingDir: '', user: '', privileged: false, terminal: false, attachStdin: false, attachStdout: true, attachStderr: true, detachKeys: '' }, at } };
  yield task({ type: 'ExecStarted', container: id, start, exec, pid: 2000, at });
  yield task({ type: 'ExecExited', container: id, start, exec, exitCode: 0, at });
  yield task({ type: 'TaskExited', container: id, start, exitCode: 0, signal: 0, oomKilled: false, keeperLost: false, at });
  yield container({ type: 'ContainerExited', container: id, start, exitCode: 0, signal: 0, oomKilled: false, reason: 'completed', at });
  yield pool({ type: 'EndpointReleased', endpoint, at });
  if (stays) return;
  yield container({ type: 'RemoveRequested', container: id, force: false, volumes: true, at });
  yield container({ type: 'ContainerRemoved', container: id, at });
  yield { subject: `berth.event.name.${name}`, event: { type: 'NameReleased', name, container: id } };
  yield { subject: `berth.event.volume.${volume}`, event: { type: 'VolumeRemoved', name: volume, at } };
}
