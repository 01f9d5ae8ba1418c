import { connect } from '@nats-io/transport-node';
import { DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { readFileSync } from 'node:fs';

/** The oracle's own idea of what the log says should be there. It shares nothing with the services' folds: only the events' names. */
export interface WishedContainer {
  readonly id: string;
  name: string;
  status: string;
  run: number;
  /** A run of it goes on, as far as the containers service knows. */
  runs: boolean;
  paused: boolean;
  /** Of its newest run, as it is told there. */
  address: string | undefined;
  /** An intent whose outcome is not on the log, as its event. */
  intent: string | undefined;
  volumes: readonly string[];
  readonly mode: string;
}

export interface Endpoint {
  readonly container: string;
  readonly address: string;
  readonly ports: readonly { readonly protocol: string; readonly hostPort: number; readonly containerPort: number }[];
}

export interface LogFold {
  readonly containers: Map<string, WishedContainer>;
  /** Removed containers whose files wait for their return, with the number of their last run. */
  readonly kept: Map<string, number>;
  /** Removed containers that are on their way back. */
  readonly restoring: Set<string>;
  /** Name → container. */
  readonly names: Map<string, string>;
  /** `<container>-<start>` → what became of it. */
  readonly tasks: Map<string, { status: string; pid: number }>;
  /** Cgroups, beside the engine's, that tasks were ever to be in. */
  readonly cgroupParents: Set<string>;
  readonly endpoints: Map<string, Endpoint>;
  readonly volumes: Set<string>;
  readonly anonymousVolumes: Set<string>;
  /** Image → its blobs (digests) and layers (chain ids). */
  readonly images: Map<string, { readonly blobs: Set<string>; readonly layers: readonly string[] }>;
  /** Execs that were started and have not ended. */
  readonly execs: Set<string>;
  readonly position: number;
}

interface Event {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Reads the whole log as the bus user `operator`. */
export async function foldLog({ dataRoot, natsUrl }: { readonly dataRoot: string; readonly natsUrl: string }): Promise<LogFold> {
  const password = readFileSync(`${dataRoot}/secrets/operator`, 'utf8').trim();
  const connection = await connect({ servers: natsUrl, user: 'operator', pass: password, inboxPrefix: '_INBOX_operator', timeout: 5_000 });
  try {
    const manager = await jetstreamManager(connection);
    const last = (await manager.streams.info('BERTH')).state.last_seq;
    const fold: LogFold = { containers: new Map(), kept: new Map(), restoring: new Set(), names: new Map(), tasks: new Map(), cgroupParents: new Set(), endpoints: new Map(), volumes: new Set(), anonymousVolumes: new Set(), images: new Map(), execs: new Set(), position: last };
    if (last === 0) return fold;
    const consumer = await jetstream(connection).consumers.getPushConsumer('BERTH', { deliver_policy: DeliverPolicy.All }); // nobody may pull
    for await (const message of await consumer.consume()) {
      const { events } = JSON.parse(message.string()) as { events: Event[] };
      for (const event of events) see(fold, message.subject.split('.')[2] ?? '', event);
      if (message.seq >= last) break;
    }
    return fold;
  } finally {
    await connection.close();
  }
}

function see(fold: LogFold, aggregate: string, event: Event): void {
  const text = (field: string): string => String(event[field] ?? '');
  if (aggregate === 'container') seeContainer(fold, text('container'), event);
  else if (aggregate === 'task') seeTask(fold, `${text('container')}-${text('start')}`, event);
  else if (event.type === 'NameClaimed') fold.names.set(text('name'), text('container'));
  else if (event.type === 'NameReleased') fold.names.delete(text('name'));
  else if (event.type === 'EndpointAllocated') fold.endpoints.set(text('endpoint'), event as unknown as Endpoint);
  else if (event.type === 'EndpointPortsChanged') {
    const endpoint = fold.endpoints.get(text('endpoint'));
    if (endpoint) fold.endpoints.set(text('endpoint'), { ...endpoint, ports: event['ports'] as Endpoint['ports'] });
  } else if (event.type === 'EndpointReleased') fold.endpoints.delete(text('endpoint'));
  else if (event.type === 'VolumeCreated') {
    fold.volumes.add(text('name'));
    if (event['anonymous'] === true) fold.anonymousVolumes.add(text('name'));
  } else if (event.type === 'VolumeRestored') {
    fold.volumes.add(text('name'));
    if (event['anonymous'] === true) fold.anonymousVolumes.add(text('name'));
  } else if (event.type === 'VolumeRemoved') {
    fold.volumes.delete(text('name'));
    fold.anonymousVolumes.delete(text('name'));
  } else if (aggregate === 'image') seeImage(fold, text('image'), event);
}

function seeContainer(fold: LogFold, id: string, event: Event): void {
  if (event.type === 'RestoreRequested') fold.restoring.add(id);
  if (event.type === 'RestoreFailed') fold.restoring.delete(id);
  if (event.type === 'ContainerRestored' || event.type === 'ContainerDiscarded') {
    fold.kept.delete(id);
    fold.restoring.delete(id);
  }
  if (event.type === 'ContainerCreated' || event.type === 'ContainerRestored') {
    const mounts = event['mounts'] as { name?: string }[];
    const mode = (event['hostConfig'] as { NetworkMode?: string }).NetworkMode ?? 'default';
    fold.containers.set(id, { id, name: String(event['name']), status: 'created', run: Number(event['start'] ?? 0), runs: false, paused: false, address: undefined, intent: undefined, volumes: mounts.flatMap(({ name }) => name ?? []), mode });
    return;
  }
  const container = fold.containers.get(id);
  if (!container) return;
  // What an edit took away goes with the container.
  if (event.type === 'ContainerEdited') container.volumes = [...new Set([...container.volumes, ...(event['mounts'] as { name?: string }[]).flatMap(({ name }) => name ?? [])])];
  const becomes = (status: string, runs: boolean): void => {
    if (container.status !== 'removing') container.status = status;
    container.runs = runs;
    container.paused = false;
  };
  if (/^(Pause|Unpause|Update|Edit|Commit)Requested$/.test(event.type)) container.intent = event.type;
  else if (/^(Container(Paused|Unpaused|Updated|Edited|Committed|Exited)|(Pause|Update|Edit|Commit)Failed)$/.test(event.type)) container.intent = undefined;
  if (event.type === 'ContainerPaused') container.paused = true;
  if (event.type === 'ContainerUnpaused') container.paused = false;
  switch (event.type) {
    case 'StartRequested':
      container.run = Number(event['start']);
      return becomes('starting', false);
    case 'ContainerStarted':
      container.address = (event['endpoint'] as Endpoint | undefined)?.address;
      return becomes('running', true);
    case 'StartFailed':
      return becomes('failed', false);
    case 'ContainerExited':
      return becomes('exited', false);
    case 'RestartScheduled':
      return becomes('restarting', false);
    case 'StopRequested':
      if (container.status === 'restarting') becomes('exited', false);
      return;
    case 'ContainerRenamed':
      container.name = String(event['name']);
      return;
    case 'RemoveRequested':
      container.status = 'removing';
      return;
    case 'ContainerRemoved':
      if (event['keptUntil'] !== undefined) fold.kept.set(id, container.run);
      fold.containers.delete(id);
  }
}

function seeTask(fold: LogFold, id: string, event: Event): void {
  if (typeof event['cgroupParent'] === 'string') fold.cgroupParents.add(event['cgroupParent']);
  if (event.type === 'TaskRequested') fold.tasks.set(id, { status: 'requested', pid: 0 });
  else if (event.type === 'TaskStarted') fold.tasks.set(id, { status: 'running', pid: Number(event['pid']) });
  else if (event.type === 'TaskFailed') fold.tasks.set(id, { status: 'failed', pid: 0 });
  else if (event.type === 'TaskExited') {
    fold.tasks.set(id, { status: 'exited', pid: 0 });
    for (const exec of fold.execs) if (exec.startsWith(`${id} `)) fold.execs.delete(exec);
  } else if (event.type === 'ExecStarted') fold.execs.add(`${id} ${String(event['exec'])}`);
  else if (event.type === 'ExecExited') fold.execs.delete(`${id} ${String(event['exec'])}`);
}

function seeImage(fold: LogFold, id: string, event: Event): void {
  if (event.type === 'ImageAdded') {
    const layers = event['layers'] as { chainId: string; digest: string }[];
    fold.images.set(id, { blobs: new Set([String(event['configDigest']), String(event['manifestDigest']), ...layers.map(({ digest }) => digest)]), layers: layers.map(({ chainId }) => chainId) });
  } else if (event.type === 'DigestRecorded') {
    const reference = String(event['reference']);
    fold.images.get(id)?.blobs.add(reference.slice(reference.indexOf('@') + 1));
  } else if (event.type === 'ImageRemoved') fold.images.delete(id);
}
