import type { ContainerEvent, EditedSpec, ExecEvent, NameEvent } from '#contracts/containers/events.js';
import type { TaskEvent } from '#contracts/executor/tasks.js';
import type { AccessEvent } from '#contracts/gateway/access-events.js';
import type { PruneEvent } from '#contracts/gateway/prune-events.js';
import type { ImageEvent } from '#contracts/images/images.js';
import type { NetworkEvent, PoolEvent } from '#contracts/networks/events.js';
import type { VolumeEvent } from '#contracts/volumes/volumes.js';

/** One of each type that there is now, in an order in which they may happen; newer types come last. A type without a sample does not compile. */
type Samples<Event extends { readonly type: string }> = { readonly [Type in Event['type']]: Omit<Extract<Event, { readonly type: Type }>, 'type'> };

const at = '2026-01-02T03:04:05.678Z';
const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const container = 'c'.repeat(64);
const network = 'e'.repeat(64);
const exec = 'd'.repeat(64);
const start = 1;
const image = digest('a');
const ports = [{ containerPort: 80, protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8080 }] as const;
const endpoint = {
  network: 'bridge', networkId: network, endpointId: `${container}-1`, bridge: 'berth0', address: '172.17.0.2', prefixLength: 16, gateway: '172.17.0.1', mac: '02:42:ac:11:00:02', mtu: 1500, ports,
} as const;

const edited: EditedSpec = { version: 2, config: { Image: 'busybox', Env: ['A=c'] }, hostConfig: { NetworkMode: 'bridge' }, path: 'sleep', args: ['1'], mounts: [], parts: ['ports', 'env'], pending: ['env'] };

export const containerSamples: Samples<ContainerEvent> = {
  ContainerCreated: {
    container, name: 'web', config: { Image: 'busybox', Cmd: ['sleep', '1'], Labels: { tier: 'front' }, Env: ['A=b'], StopSignal: 'SIGQUIT' }, hostConfig: { NetworkMode: 'bridge', RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } },
    imageId: image, imageRef: 'busybox', layers: [digest('1')], path: 'sleep', args: ['1'], mounts: [{ type: 'volume', name: 'store', source: '/store', target: '/data', readOnly: false, propagation: '', copyUp: true, anonymous: false }], at,
  },
  StartRequested: { container, start, reason: 'api', at },
  StartFailed: { container, start, error: 'no such file', exitCode: 127, at },
  ContainerStarted: { container, start, pid: 4711, endpoint, at },
  KillRequested: { container, signal: 1, at },
  StopRequested: { container, signal: 15, timeoutSeconds: 10, at },
  StopFailed: { container, start, error: 'no answer', at },
  ContainerExited: { container, start, exitCode: 143, signal: 15, oomKilled: false, reason: 'killed-api', at },
  RestartScheduled: { container, start, delayMs: 100, at },
  ContainerRenamed: { container, name: 'db', oldName: 'web', at },
  LinkRemoved: { container, alias: 'db', at },
  RemoveRequested: { container, force: true, volumes: false, at },
  ContainerRemoved: { container, at },
  ContainerAttached: { container, stdin: false, stdout: true, stderr: true, at },
  ContainerDetached: { container, at },
  TerminalResized: { container, rows: 24, columns: 80, at },
  HealthProbed: { container, start, probe: { startedAt: at, endedAt: at, exitCode: 1, output: 'refused' }, was: 'healthy', status: 'unhealthy', failingStreak: 3, at },
  UnhealthyRestartRequested: { container, start, signal: 15, timeoutSeconds: 10, at },
  PauseRequested: { container, at },
  ContainerPaused: { container, at },
  PauseFailed: { container, error: 'not in time', at },
  UnpauseRequested: { container, at },
  ContainerUnpaused: { container, at },
  ProcessesListed: { container, at },
  ArchiveRead: { container, path: '/etc', at },
  ArchiveWritten: { container, path: '/etc', at },
  ContainerExported: { container, at },
  UpdateRequested: { container, changes: { Memory: 67_108_864, MemorySwap: -1, RestartPolicy: { Name: 'always' } }, at },
  ContainerUpdated: { container, changes: { Memory: 67_108_864, MemorySwap: -1, RestartPolicy: { Name: 'always' } }, at },
  UpdateFailed: { container, error: 'EBUSY', at },
  CommitRequested: { container, commit: { pauses: true, reference: 'mine:v1', author: 'me', comment: 'why', config: { Cmd: ['true'] } }, at },
  ContainerCommitted: { container, image, reference: 'mine:v1', comment: 'why', at },
  CommitFailed: { container, error: 'no space', at },
  ContainerProtected: { container, at },
  ContainerUnprotected: { container, at },
  RestoreRequested: { container, name: 'web', at },
  ContainerRestored: {
    container, name: 'web', config: { Image: 'busybox' }, hostConfig: { NetworkMode: 'bridge' }, imageId: image, imageRef: 'busybox', layers: [digest('1')], path: 'sleep', args: ['1'], mounts: [], createdAt: at, start, at,
  },
  ContainerDiscarded: { container, reason: 'time-over', at },
  EditRequested: { container, ...edited, at },
  ContainerEdited: { container, ...edited, ports, at },
  EditFailed: { container, error: 'port is already allocated', at },
  RestoreFailed: { container, error: 'the name is in use', at },
};

/** The same with fields that not every event of their type has. */
export const containerVariants: Readonly<Record<string, ContainerEvent>> = {
  'HealthProbed.exec': { type: 'HealthProbed', ...containerSamples.HealthProbed, exec: { id: exec, args: ['/bin/sh', '-c', 'wget localhost'], startedAt: at, end: { exitCode: 1, at } } },
  'ContainerCreated.elsewhere': { type: 'ContainerCreated', ...containerSamples.ContainerCreated, askedNetworkMode: 'none' },
  'ContainerRemoved.kept': { type: 'ContainerRemoved', container, keptUntil: '2026-01-02T03:19:05.678Z', at },
};

export const nameSamples: Samples<NameEvent> = { NameClaimed: { name: 'web', container }, NameReleased: { name: 'web', container } };

export const execSamples: Samples<ExecEvent> = {
  ExecCreated: { exec, container, config: { args: ['true'], env: [], user: '', workingDir: '', terminal: false, attachStdin: false, attachStdout: true, attachStderr: true, privileged: false, detachKeys: '' }, at },
  ExecStartFailed: { exec, container, error: 'the executor service is not running', exitCode: 126, at },
};

export const taskSamples: Samples<TaskEvent> = {
  TaskRequested: { container, start, published: { address: '172.17.0.2', ports }, at },
  TaskFailed: { container, start, error: 'no such file', at },
  TaskStarted: { container, start, pid: 4711, at },
  ExecStarted: { container, start, exec, pid: 4712, at },
  ExecExited: { container, start, exec, exitCode: 3, at },
  SignalRequested: { container, start, signal: 15, ends: true, at },
  TaskOutOfMemory: { container, start, kills: 2, at },
  TaskExited: { container, start, exitCode: 143, signal: 15, oomKilled: false, keeperLost: false, at },
  PortsChanged: { container, start, published: { address: '172.17.0.2', ports: [] }, at },
};

export const taskVariants: Readonly<Record<string, TaskEvent>> = {
  'TaskStarted.took': { type: 'TaskStarted', container, start, pid: 4711, took: { snapshot: 310, clone: 900, mounts: 4200 }, at },
};

export const imageSamples: Samples<ImageEvent> = {
  ImageAdded: { image, configDigest: image, manifestDigest: digest('b'), layers: [{ chainId: digest('1'), diffId: digest('1'), digest: digest('2'), mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', sizeBytes: 7 }], sizeBytes: 9, origin: 'pull', at },
  ImageTagged: { image, reference: 'busybox:latest', at },
  DigestRecorded: { image, reference: `busybox@${digest('b')}`, at },
  ImageUntagged: { image, reference: 'busybox:latest', at },
  ImageRemoved: { image, at },
  ImagePulled: { image, reference: 'busybox:latest', at },
  ImageLoaded: { image, at },
  ImageSaved: { image, at },
};

export const networkSamples: Samples<NetworkEvent> = {
  NetworkCreated: { id: network, name: 'bridge', driver: 'bridge', subnet: '172.17.0.0/16', gateway: '172.17.0.1', bridge: 'berth0', mtu: 1500, internal: false, labels: {}, options: { a: 'b' }, at },
  NetworkChanged: { id: network, subnet: '10.9.0.0/16', gateway: '10.9.0.1', bridge: 'berth1', options: { a: 'c' }, at },
};

export const poolSamples: Samples<PoolEvent> = {
  EndpointAllocated: { endpoint: `${container}-1`, container, name: 'web', address: '172.17.0.2', mac: '02:42:ac:11:00:02', ports, at },
  EndpointReleased: { endpoint: `${container}-1`, at },
  EndpointPortsChanged: { endpoint: `${container}-1`, ports: [], at },
};

export const volumeSamples: Samples<VolumeEvent> = {
  VolumeCreated: { name: 'store', driver: 'local', labels: { a: 'b' }, options: {}, anonymous: false, at },
  VolumeRemoved: { name: 'store', at },
  VolumeRestored: { name: 'store', driver: 'local', labels: { a: 'b' }, options: {}, anonymous: true, container, keptFor: container, createdAt: at, at },
};

export const accessSamples: Samples<AccessEvent> = {
  AccessRefused: { route: 'POST /containers/:id/stop', target: 'web', container, reason: 'it needs the role operator, and you are a reader', by: 'policy', unwritten: 3, at },
};

export const pruneSamples: Samples<PruneEvent> = {
  Pruned: { kind: 'image', removed: 2, reclaimedBytes: 4096, at },
};
