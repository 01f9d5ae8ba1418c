import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { ContainerView } from '#contracts/containers/container-state.js';
import type { ContainerEvent } from '#contracts/containers/events.js';
import type { RequestClass, RequestContext, StreamEndpoint } from '#contracts/request.js';
import type { Commit } from '#libs/event-store/event.js';
import { notFound, unavailable } from '#libs/errors/errors.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { startGateway } from '../start-gateway.js';

export const ID = 'ab'.repeat(32);

export const view: ContainerView = {
  id: ID,
  name: 'web',
  createdAt: new Date(Date.now() - 60_000).toISOString(),
  config: { Image: 'debian', Cmd: ['sleep', '1 2'], Labels: { tier: 'front' }, ExposedPorts: { '80/tcp': {} } },
  hostConfig: { NetworkMode: 'bridge' },
  imageId: `sha256:${'cd'.repeat(32)}`,
  imageRef: 'debian:latest',
  path: 'sleep',
  args: ['1 2'],
  mounts: [],
  status: 'running',
  startNumber: 1,
  pid: 4711,
  exitCode: 0,
  oomKilled: false,
  error: '',
  // Some seconds ago, however long other tests have had this module.
  get startedAt() {
    return new Date(Date.now() - 3_500).toISOString();
  },
  finishedAt: '',
  restartCount: 0,
  endpoint: { network: 'bridge', networkId: 'ef'.repeat(32), endpointId: '12'.repeat(32), bridge: 'berth0', address: '172.17.0.2', prefixLength: 16, gateway: '172.17.0.1', mac: '02:42:ac:11:00:02', mtu: 1500, ports: [{ containerPort: 80, protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8080 }] },
  execIds: [],
  logPath: '/l',
  directory: '/d',
};

type Answer = (data: Record<string, unknown>, context: RequestContext) => unknown;
/** By subject, what services answer. */
export const answers = new Map<string, Answer>();
/** What services were asked, in order. */
export const asked: { readonly subject: string; readonly data: Record<string, unknown>; readonly context: RequestContext }[] = [];

const bus = {
  async request<Reply>(type: RequestClass<Reply>, data: object, context: RequestContext): Promise<Reply> {
    const body = data as Record<string, unknown>;
    const subject = type.subject.replace(/^berth\.(command|query)\./, '');
    asked.push({ subject, data: body, context });
    const answer = answers.get(subject);
    if (answer === undefined) throw notFound(`no answer prepared for ${subject}`);
    return (await answer(body, context)) as Reply;
  },
};

const followers = new Set<(commit: Commit) => void>();
let position = 0;
const store: EventStore = {
  append: () => Promise.reject(new Error('nothing is appended here')),
  read: async () => [],
  close: async () => {},
  replay: async () => position,
  lastPosition: async () => position,
  commitAt: async () => undefined,
  follow: async (_filters: readonly string[], _after: number, onCommit: (commit: Commit) => void) => {
    followers.add(onCommit);
    return { position, ended: new Promise<never>(() => {}), waitFor: async () => {}, stop: async (): Promise<void> => {
      followers.delete(onCommit);
    } };
  },
};

/** How many follow the log now. */
export const followerCount = (): number => followers.size;

/** Something on the log, at the position that is returned. */
export function happens(event: ContainerEvent): number {
  position += 1;
  const commit: Commit = { subject: `berth.event.container.${event.container}`, position, id: String(position), time: event.at, source: 'test', cause: { actor: '', correlationId: '', causationId: '' }, events: [event], previousHash: '', hash: '' };
  for (const follower of followers) follower(commit);
  return position;
}

/** Filled once the gateway is up. */
export const world = {
  folder: '',
  /** Where clients find the gateway. */
  socket: '',
  /** What the service does with a stream that was opened. */
  serve: (stream: Socket): void => void stream.end(),
};

/** A gateway before services that answer as a test says, and a log that tells what happens: for all tests of the file that calls it. */
export function useGateway(): void {
  let streams: Server;
  let gateway: { close(): Promise<void> };
  beforeAll(async () => {
    world.folder = await mkdtemp(join(tmpdir(), 'berth-gateway-'));
    world.socket = join(world.folder, 'docker.sock');
    streams = createServer({ allowHalfOpen: true }, (stream) => world.serve(stream)).listen(join(world.folder, 'streams'));
    const openStream = async (endpoint: StreamEndpoint): Promise<Socket> => {
      if (endpoint.path.endsWith('nobody-there')) throw unavailable('no such stream');
      return connect({ path: endpoint.path, allowHalfOpen: true });
    };
    // Only these are read of the settings.
    const settings = { socket: world.socket, dataRoot: world.folder, runRoot: join(world.folder, 'run'), apart: [], natsEmbedded: true } as unknown as EngineSettings;
    gateway = await startGateway({ settings, store, bus, openStream });
  });
  afterAll(async () => {
    await gateway.close();
    streams.close();
    await rm(world.folder, { recursive: true });
  });
  beforeEach(() => {
    answers.clear();
    asked.length = 0;
    answers.set('containers.get', ({ container }) => {
      if (container === 'web' || container === ID) return view;
      throw notFound(`No such container: ${String(container)}`);
    });
    answers.set('containers.list', () => ({ containers: [view], position: 1 }));
  });
}

export const endpoint = (): StreamEndpoint => ({ path: join(world.folder, 'streams'), ticket: 't' });

export function http(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<{ readonly status: number; readonly headers: Record<string, unknown>; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: world.socket, method, path, headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers } }, (response) => {
      let text = '';
      response.on('data', (bytes) => (text += String(bytes))).on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    call.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** One frame of a multiplexed stream. */
export const frame = (stream: 1 | 2, text: string): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
};
