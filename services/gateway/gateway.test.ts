import { once } from 'node:events';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ContainerView } from '#contracts/containers/container-state.js';
import type { ContainerEvent } from '#contracts/containers/events.js';
import type { RequestClass, RequestContext, StreamEndpoint } from '#contracts/request.js';
import type { Commit } from '#libs/event-store/event.js';
import { conflict, invalid, notFound, unavailable } from '#libs/errors/errors.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { startGateway } from './start-gateway.js';

const ID = 'ab'.repeat(32);

const view: ContainerView = {
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
  startedAt: new Date(Date.now() - 3_500).toISOString(),
  finishedAt: '',
  restartCount: 0,
  endpoint: { network: 'bridge', networkId: 'ef'.repeat(32), endpointId: '12'.repeat(32), bridge: 'berth0', address: '172.17.0.2', prefixLength: 16, gateway: '172.17.0.1', mac: '02:42:ac:11:00:02', mtu: 1500, ports: [{ containerPort: 80, protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8080 }] },
  execIds: [],
  logPath: '/l',
  directory: '/d',
};

type Answer = (data: Record<string, unknown>, context: RequestContext) => unknown;
const answers = new Map<string, Answer>();
const asked: { readonly subject: string; readonly data: Record<string, unknown>; readonly context: RequestContext }[] = [];

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

function happens(event: ContainerEvent): void {
  position += 1;
  const commit: Commit = { subject: `berth.event.container.${event.container}`, position, id: String(position), time: event.at, source: 'test', cause: { actor: '', correlationId: '', causationId: '' }, events: [event], previousHash: '', hash: '' };
  for (const follower of followers) follower(commit);
}

let folder: string;
let socket: string;
let streams: Server;
let serve: (stream: Socket) => void = (stream) => stream.end();
let gateway: { close(): Promise<void> };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-gateway-'));
  socket = join(folder, 'docker.sock');
  streams = createServer({ allowHalfOpen: true }, (stream) => serve(stream)).listen(join(folder, 'streams'));
  const openStream = async (endpoint: StreamEndpoint): Promise<Socket> => {
    if (endpoint.path.endsWith('nobody-there')) throw unavailable('no such stream');
    return connect({ path: endpoint.path, allowHalfOpen: true });
  };
  // Only these are read of the settings.
  gateway = await startGateway({ settings: { socket, dataRoot: folder, runRoot: join(folder, 'run'), apart: [], natsEmbedded: true } as unknown as EngineSettings, store, bus, openStream });
});

afterAll(async () => {
  await gateway.close();
  streams.close();
  await rm(folder, { recursive: true });
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

const endpoint = (): StreamEndpoint => ({ path: join(folder, 'streams'), ticket: 't' });

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function docker(args: readonly string[], input?: string): Promise<Run> {
  return new Promise((resolve) => {
    const child = execFile('docker', args, { env: { ...process.env, DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: folder }, timeout: 20_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err });
    });
    child.stdin?.end(input ?? '');
  });
}

function http(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<{ readonly status: number; readonly headers: Record<string, unknown>; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: socket, method, path, headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers } }, (response) => {
      let text = '';
      response.on('data', (bytes) => (text += String(bytes))).on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    call.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const frame = (stream: 1 | 2, text: string): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
};

describe('the front door', () => {
  test('the socket is for its owner and group alone', async () => {
    expect((await stat(socket)).mode & 0o777).toBe(0o660);
  });

  test('a ping tells the API version and leaves building to the classic builder', async () => {
    const { status, headers, text } = await http('GET', '/v1.43/_ping');
    expect({ status, text }).toEqual({ status: 200, text: 'OK' });
    expect(headers).toMatchObject({ 'api-version': '1.51', ostype: 'linux', 'docker-experimental': 'false', swarm: 'inactive', 'content-type': 'text/plain; charset=utf-8' });
    expect(headers['builder-version']).toBeUndefined();
    expect((await http('HEAD', '/_ping')).status).toBe(200);
  });

  test.each([
    ['GET', '/v1.23/info', 400, 'client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version'],
    ['GET', '/v1.99/info', 400, 'client version 1.99 is too new. Maximum supported API version is 1.51'],
    ['GET', '/nowhere', 404, 'page not found'],
    ['POST', '/v1.51/swarm/init', 501, 'Berth does not support POST /swarm/init yet'],
    ['POST', '/networks/create', 501, 'Berth does not support POST /networks/create yet'],
    ['GET', 'http://docker/v1.23/info', 400, 'client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version'],
    ['GET', 'http://docker/v1.51/containers/ghost/json', 404, 'No such container: ghost'],
    ['GET', '/containers/ghost/json', 404, 'No such container: ghost'],
    ['POST', '/containers/create', 400, 'config cannot be empty in order to create a container'],
    ['POST', '/containers/ghost/wait', 404, 'No such container: ghost'],
  ])('%s %s is refused with %i', async (method, path, status, message) => {
    const answer = await http(method, path);
    expect({ status: answer.status, body: JSON.parse(answer.text) }).toEqual({ status, body: { message } });
  });

  test('a URL and headers of far more than a page arrive whole, as with dockerd', async () => {
    answers.set('images.list', () => ({ images: [] }));
    const { status } = await http('GET', `/images/json?filters=${encodeURIComponent(JSON.stringify({ label: ['x'.repeat(300_000)] }))}`, undefined, { 'X-Registry-Auth': 'a'.repeat(300_000) });
    expect(status).toBe(200);
    expect(await http('GET', `/containers/${'a'.repeat(10_000)}/json`)).toMatchObject({ status: 404 });
  });

  test.each([
    ['more headers than there may be', `GET /info HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(1 << 20)}\r\n\r\n`, 431, 'Request Header Fields Too Large'],
    ['what is no request', 'hello\r\n\r\n', 400, 'Bad Request'],
    ['a URL that decodes to nothing', 'GET /containers/%zz/json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400, "'/containers/%zz/json' is not a valid url component"],
  ])('%s is refused as all is', async (_what, bytes, status, message) => {
    const client = connect(socket).on('error', () => {});
    client.write(bytes);
    let got = '';
    for await (const piece of client) got += String(piece);
    expect(got).toMatch(new RegExp(`^HTTP/1.1 ${status} [A-Z][^\r]+\r\n`));
    expect(got).toMatch(/\r\nApi-Version: /i);
    expect(JSON.parse(got.slice(got.indexOf('\r\n\r\n') + 4))).toEqual({ message });
  });

  test('a prune of the build cache finds none', async () => {
    expect(await http('POST', '/v1.41/build/prune?all=1')).toMatchObject({ status: 200, text: '{"CachesDeleted":null,"SpaceReclaimed":0}' });
  });

  const ARM = '{"os":"linux","architecture":"arm64"}';
  const another = 'image with reference busybox was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)';
  test.each([
    ['GET', '/v1.51/images/busybox/json?platform=', ARM, 404, another],
    ['GET', '/v1.51/images/busybox/history?platform=', ARM, 404, another],
    ['DELETE', '/v1.51/images/busybox?platforms=', ARM, 404, another],
    ['GET', '/v1.51/images/busybox/get?platform=', ARM, 500, 'no suitable export target found for platform linux/arm64'],
    ['GET', '/v1.48/images/get?names=busybox&platform=', ARM, 500, 'no suitable export target found for platform linux/arm64'],
    ['POST', '/v1.48/images/load?platform=', '{"os":"plan9","architecture":"amd64"}', 501, expect.stringMatching(/^Berth loads images for linux\/\w+(?:\/v8)? alone: plan9\/amd64 is another platform$/) as string],
    ['GET', '/images/busybox/json?platform=', 'odd', 400, "failed to parse platform: invalid character 'o' looking for beginning of value"],
    ['POST', '/images/load?platform=', 'odd', 400, "failed to parse platform: invalid character 'o' looking for beginning of value"],
    ['DELETE', '/images/busybox?platforms=', '{"os":"linux"}', 400, 'both OS and Architecture must be provided'],
  ])('a platform that an image has not got is refused, not dropped: %s %s%s', async (method, path, platform, status, message) => {
    answers.set('images.get', () => ({ os: 'linux', architecture: 'amd64', variant: '' }));
    const answer = await http(method, path + encodeURIComponent(platform));
    expect({ status: answer.status, body: JSON.parse(answer.text) }).toEqual({ status, body: { message } });
  });

  test('a body that breaks off ends what is done with it', async () => {
    answers.set('images.load', () => endpoint());
    const gone = new Promise<void>((resolve) => {
      serve = (stream) => void stream.resume().on('error', () => {}).on('end', () => (stream.end(), resolve())).write('begun');
    });
    const client = connect({ path: socket, allowHalfOpen: true });
    client.write('POST /v1.41/images/load HTTP/1.1\r\nHost: docker\r\nContent-Length: 100\r\n\r\nsome');
    await once(client, 'data');
    client.end();
    await gone;
  });

  test('an archive is one, whatever its type is called', async () => {
    answers.set('images.load', () => endpoint());
    serve = (stream) => {
      let got = '';
      stream.on('data', (bytes) => (got += String(bytes))).on('end', () => stream.end(`got ${got}`));
    };
    const client = connect(socket);
    client.write('POST /v1.41/images/load HTTP/1.1\r\nHost: docker\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{no JSON}');
    let answer = '';
    for await (const bytes of client) answer += String(bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK[^]*got \{no JSON\}/);
  });

  test('images are counted and what they share is summed up where the version has it, and old clients name one by itself', async () => {
    const image = (id: string, layers: string[]) => ({ id, repoTags: [`${id}:latest`], repoDigests: [], createdAt: '2026-01-01T00:00:00Z', sizeBytes: layers.length * 10, config: {}, layers, layerBytes: layers.map(() => 10) });
    answers.set('images.list', () => ({ images: [image('a', ['top', 'base']), image(view.imageId, ['base'])] }));
    const listed = async (path: string) => (JSON.parse((await http('GET', path)).text) as Record<string, unknown>[]).map(({ Id, Containers, SharedSize }) => [Id, Containers, SharedSize]);
    expect(await listed('/v1.51/images/json?shared-size=1')).toEqual([['a', 0, 10], [view.imageId, 1, 10]]);
    expect(await listed('/v1.41/images/json?shared-size=1&filter=a&filters=null')).toEqual([['a', -1, -1], [view.imageId, -1, -1]]);
    expect(await listed('/v1.40/images/json?filter=a')).toEqual([['a', -1, -1]]);
  });

  test('an image name with slashes arrives whole', async () => {
    answers.set('images.get', ({ image }) => {
      throw notFound(`No such image: ${String(image)}`);
    });
    expect((await http('GET', '/v1.51/images/host:5000/a/b:tag/json')).text).toBe('{"message":"No such image: host:5000/a/b:tag"}');
  });

  test('who asks is what the kernel says, and a trace goes on', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    await http('GET', '/containers/web/json', undefined, { traceparent, 'Berth-Dry-Run': '1', 'Idempotency-Key': 'k1', 'Berth-Actor': 'somebody else', actor: 'somebody else', 'Berth-Correlation-Id': 'theirs' });
    const { context } = asked[0]!;
    expect(context).toMatchObject({ traceparent, dryRun: true, idempotencyKey: 'k1' });
    expect(context.actor).toBe(`uid:${process.getuid?.()} pid:${process.pid}`);
    expect(context.correlationId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test.each(['two words', '', 'k'.repeat(129)])('the idempotency key %j, which cannot be kept, is refused', async (key) => {
    const { status, text } = await http('POST', '/containers/web/start', undefined, { 'Idempotency-Key': key });
    expect({ status, text }).toEqual({ status: 400, text: '{"message":"invalid Idempotency-Key: 1 to 128 printable characters of ASCII without blanks"}' });
    expect(asked).toEqual([]);
  });

  test('an answer of nothing to do is 304', async () => {
    answers.set('containers.start', () => ({ changed: false, position: 0 }));
    expect((await http('POST', '/containers/web/start')).status).toBe(304);
    answers.set('containers.start', () => ({ changed: true, position: 2 }));
    expect((await http('POST', '/containers/web/start')).status).toBe(204);
  });
});

describe('a connection turned into a stream', () => {
  /** Sends `first` at once, `later` when the answer's head is there, which `onHead` is told, and gives all that came until the end. */
  function raw(first: string, later = '', onHead = (): void => undefined): Promise<string> {
    return new Promise((resolve, reject) => {
      const client = connect({ path: socket, allowHalfOpen: true });
      let got = '';
      client.on('data', (bytes) => {
        if (got === '' && later !== '') client.write(later);
        if (got === '') onHead();
        got += String(bytes);
      });
      client.on('end', () => (client.end(), resolve(got))).on('error', reject);
      client.write(first);
    });
  }

  const start = (path: string, body: string): string => `POST ${path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

  test.each([['', '\x10\x11', ''], ['ctrl-a,b', '\x10\x11\x01b', '\x10\x11']])('detach keys (%j) typed into a terminal end the client side and do not reach the command', async (detachKeys, typed, passed) => {
    answers.set('containers.start-exec', () => ({ endpoint: endpoint(), terminal: true }));
    answers.set('containers.get-exec', () => ({ config: { terminal: true, detachKeys } }));
    let received = '';
    const gone = new Promise<void>((resolve) => {
      serve = (stream) => void stream.on('data', (bytes) => (received += String(bytes))).on('error', () => {}).on('end', () => (stream.end(), resolve()));
    });
    const answer = await raw(start('/v1.51/exec/e1/start', '{"Tty":true,"ConsoleSize":[24,80]}') + 'early', `ls${typed}`);
    await gone;
    expect(answer).toMatch(/^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n/);
    expect(received).toBe(`earlyls${passed}`);
    expect(asked.find((one) => one.subject === 'containers.start-exec')?.data).toEqual({ exec: 'e1', detach: false, consoleSize: [24, 80] });
  });

  test('what cannot be attached is refused before the stream begins', async () => {
    answers.set('containers.attach', () => {
      throw conflict('container web is paused');
    });
    const answer = await raw(start('/containers/web/attach?stream=1&stdout=1', ''));
    expect(answer).toContain('HTTP/1.1 409 ');
    expect(answer).toContain('{"message":"container web is paused"}');
  });

  test('a container removed before it starts ends the attach', async () => {
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: false, waitForStart: true, start: 9 }));
    setTimeout(() => happens({ type: 'ContainerRemoved', container: ID, at: new Date().toISOString() }), 200);
    expect(await raw(start('/v1.41/containers/web/attach?stream=1&stdout=1', ''))).toMatch(/Content-Type: application\/vnd\.docker\.raw-stream[^]*\r\n\r\n$/);
  });

  test('a client that ends what it sends at once, as one without input does, and leaves later is noticed, though nothing is printed', async () => {
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: false, waitForStart: false, start: 1 }));
    const gone = new Promise<void>((resolve) => {
      serve = (stream) => void stream.resume().on('error', () => {}).on('end', () => (stream.end(), resolve()));
    });
    const client = connect({ path: socket, allowHalfOpen: true });
    client.end(start('/containers/web/attach?stream=1&stdout=1', ''));
    await once(client, 'data');
    client.destroy();
    await gone;
  });

  test.each([true, false])('who is attached and cannot be given the stream is told so (terminal: %s)', async (terminal) => {
    answers.set('containers.attach', () => ({ path: join(folder, 'nobody-there'), ticket: 't', id: ID, terminal, waitForStart: false, start: 1 }));
    const answer = await raw(start('/containers/web/attach?stream=1&stdout=1', ''));
    expect(answer).toMatch(terminal ? /\r\n\r\nno such stream\r\n$/ : /\r\n\r\n\x01\0\0\0\0\0\0\x10no such stream\r\n$/);
  });

  test('a client that leaves while it waits for a start gives its place back', async () => {
    const withdrawn = new Promise<unknown>((resolve) => answers.set('containers.withdraw-attach', (data) => (resolve(data), { withdrawn: true })));
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: false, waitForStart: true, start: 20 }));
    const client = connect({ path: socket, allowHalfOpen: true });
    client.end(start('/containers/web/attach?stream=1&stdout=1', ''));
    await once(client, 'data');
    client.destroy();
    expect(await withdrawn).toEqual({ container: ID, ticket: 't' });
  });

  test('where its start waits for it already, the stream of a client that left is opened and ended', async () => {
    const asked = new Promise<void>((resolve) => answers.set('containers.withdraw-attach', () => (resolve(), { withdrawn: false })));
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: false, waitForStart: true, start: 21 }));
    const ended = new Promise<void>((resolve) => {
      serve = (stream) => void stream.resume().on('error', () => {}).on('end', () => (stream.end(), resolve()));
    });
    const client = connect({ path: socket, allowHalfOpen: true });
    client.write(start('/containers/web/attach?stream=1&stdout=1', ''));
    await once(client, 'data');
    client.destroy();
    await asked;
    happens({ type: 'ContainerStarted', container: ID, start: 21, pid: 1, at: new Date().toISOString() });
    await ended;
  });

  test('an attach to no stream is over at once', async () => {
    answers.set('containers.attach', () => ({ path: '', ticket: '', id: ID, terminal: false, stdinOnce: false, waitForStart: false, start: 1 }));
    expect(await raw(start('/containers/web/attach?stream=1&stdout=0', ''))).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\n$/);
    expect(asked.at(-1)?.data).toMatchObject({ stream: false });
  });

  test('where the container\'s input goes on, the attach is over when the client sends no more, and has been answered', async () => {
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: false, stdinOnce: false, waitForStart: false, start: 1 }));
    serve = (stream) => {
      let typed = '';
      stream.on('data', (bytes) => (typed += String(bytes))).on('error', () => {}).on('end', () => stream.write(`got ${typed}`));
    };
    const client = connect({ path: socket, allowHalfOpen: true });
    client.end(`${start('/containers/web/attach?stream=1&stdin=1&stdout=1', '')}typed`);
    let got = '';
    for await (const bytes of client) got += String(bytes);
    expect(got).toMatch(/\r\n\r\ngot typed$/);
  });

  test('four megabytes arrive whole at a slow reader', async () => {
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: true, waitForStart: false, start: 1 }));
    serve = (stream) => void stream.end('x'.repeat(4 << 20));
    const answer = await raw(start('/containers/web/attach?stream=1&stdout=1', ''));
    expect(answer.length - answer.indexOf('\r\n\r\n') - 4).toBe(4 << 20);
  });

  test.each([true, false])('an exec answers before it runs, and why it cannot run is its output (terminal: %s)', async (terminal) => {
    let fail = (): void => undefined;
    answers.set('containers.start-exec', () => new Promise((_, reject) => (fail = () => reject(invalid('no such program')))));
    answers.set('containers.get-exec', () => ({ config: { terminal } }));
    const answer = await raw(start('/v1.51/exec/e1/start', '{}'), undefined, () => fail());
    expect(answer).toMatch(/^HTTP\/1\.1 101 UPGRADED\r\n/);
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe(terminal ? 'no such program\r\n' : '\x01\0\0\0\0\0\0\x11no such program\r\n');
  });

  test.each(['/exec/e1/start', '/containers/web/attach?stream=1&stdin=1&stdout=1'])('what a client without an upgrade types goes to the process, and its end, too: %s', async (path) => {
    answers.set('containers.start-exec', () => ({ endpoint: endpoint(), terminal: true }));
    answers.set('containers.get-exec', () => ({ config: { terminal: true, detachKeys: '' } }));
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: true, stdinOnce: true, waitForStart: false, start: 1 }));
    serve = (stream) => {
      let typed = '';
      stream.on('data', (bytes) => (typed += String(bytes))).on('end', () => stream.end(`got ${typed}`)).write('ready');
    };
    const client = connect({ path: socket, allowHalfOpen: true });
    let got = '';
    client.on('data', (bytes) => {
      if (!got.includes('ready') && (got + String(bytes)).includes('ready')) client.end('GET / HTTP/1.1\r\n');
      got += String(bytes);
    });
    client.write(`POST ${path} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`);
    await once(client, 'end');
    expect(got).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n[^]*\r\n\r\nreadygot GET \/ HTTP\/1.1\r\n$/);
  });

  test.each(['/exec/e1/start', '/containers/web/attach?stream=1&stdin=1&stdout=1&detachKeys=ctrl-a,b'])('what a client without an upgrade types before the stream is there waits for it, and detach keys end it: %s', async (path) => {
    const begun = Promise.withResolvers<void>();
    answers.set('containers.start-exec', () => begun.promise.then(() => ({ endpoint: endpoint(), terminal: true })));
    answers.set('containers.get-exec', () => ({ config: { terminal: true, detachKeys: 'ctrl-a,b' } }));
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: true, stdinOnce: true, waitForStart: true, start: 30 }));
    let received = '';
    const gone = new Promise<void>((resolve) => {
      serve = (stream) => void stream.on('data', (bytes) => (received += String(bytes))).on('error', () => {}).on('end', () => (stream.end(), resolve())).write('ready');
    });
    const starts = (): void => {
      begun.resolve();
      happens({ type: 'ContainerStarted', container: ID, start: 30, pid: 1, at: new Date().toISOString() });
    };
    const client = connect({ path: socket, allowHalfOpen: true });
    client.write(`POST ${path} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`);
    let got = '';
    for await (const bytes of client) {
      if (got === '') client.write('ls\nGET / HTTP/1.1\r\n\r\n', () => setTimeout(starts, 100));
      got += String(bytes);
      if (got.endsWith('ready')) client.write('id\n\x01b');
    }
    await gone;
    expect(received).toBe('ls\nGET / HTTP/1.1\r\n\r\nid\n');
    expect(got).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nready$/);
  });

  test('what comes into an answer that has begun, and is no request, leaves it as it is', async () => {
    answers.set('containers.logs', () => ({ ...endpoint(), terminal: true }));
    let printed = (): void => undefined;
    serve = (stream) => {
      stream.write('begun');
      printed = () => void stream.end(' done');
    };
    const client = connect({ path: socket, allowHalfOpen: true });
    client.write('GET /containers/web/logs?follow=1&stdout=1 HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n');
    let got = '';
    for await (const bytes of client) {
      if (!got.includes('begun') && (got + String(bytes)).includes('begun')) client.write('hello\r\n', () => setTimeout(printed, 100));
      got += String(bytes);
    }
    expect(got.slice(got.indexOf('\r\n\r\n') + 4)).toBe('5\r\nbegun\r\n5\r\n done\r\n0\r\n\r\n');
  });

  test('a client without an upgrade reads the stream as the body', async () => {
    answers.set('containers.start-exec', () => ({ endpoint: endpoint(), terminal: false }));
    answers.set('containers.get-exec', () => ({ config: { terminal: false } }));
    serve = (stream) => void stream.end(frame(1, 'hi'));
    const { headers, text } = await http('POST', '/exec/e1/start', { Detach: false });
    expect([headers['content-type'], text.slice(8)]).toEqual(['application/vnd.docker.multiplexed-stream', 'hi']);
  });
});

describe('the real docker CLI', () => {
  test('docker version shows the server', async () => {
    const { code, out } = await docker(['version']);
    expect(code).toBe(0);
    expect(out).toContain('API version:      1.51 (minimum version 1.24)');
  });

  test('docker info counts containers', async () => {
    answers.set('executor.host-facts', () => ({ kernelVersion: '6.18', operatingSystem: 'Debian', osVersion: '12', architecture: 'x86_64', hostname: 'h', cpus: 2, memoryBytes: 2 ** 30, cgroupVersion: '1', cgroupDriver: 'cgroupfs', storageDriver: 'overlay2', securityOptions: ['name=seccomp,profile=builtin'], runtimes: ['berth'], dataRoot: '/var/lib/berth', bridgeForwarding: true, cdiFolders: [], warnings: [] }));
    answers.set('images.list', () => ({ images: [], position: 0 }));
    const { code, out, err } = await docker(['info']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('Running: 1');
  });

  test('docker ps prints status, ports and command', async () => {
    const { out } = await docker(['ps', '--format', '{{.Names}}|{{.Status}}|{{.Ports}}|{{.Command}}', '--no-trunc']);
    expect(out).toMatch(/^web\|Up \d seconds\|0\.0\.0\.0:8080->80\/tcp\|"sleep '1 2'"\n$/);
  });

  test('docker inspect reads a container', async () => {
    const { out } = await docker(['inspect', '--format', '{{.State.Status}} {{.NetworkSettings.IPAddress}} {{.State.FinishedAt}} {{json .NetworkSettings.Ports}}', 'web']);
    expect(out).toBe('running 172.17.0.2 0001-01-01T00:00:00Z {"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}]}\n');
  });

  test('docker create of what Berth lacks names the option and creates nothing', async () => {
    const { code, err } = await docker(['create', '--network', 'name=bridge,driver-opt=a=b', 'debian']);
    expect(code).toBe(1);
    expect(err).toMatch(/^Error response from daemon: Berth does not support NetworkingConfig\.EndpointsConfig\.bridge\.DriverOpts yet/);
    expect(asked).toEqual([]);
  });

  test('docker run attaches before the start, shows both streams and exits with the status', async () => {
    let exited: () => void = () => {};
    const exit = new Promise<void>((resolve) => (exited = resolve));
    const order: string[] = [];
    answers.set('containers.create', () => ({ id: ID, warnings: [], position: 1 }));
    answers.set('containers.attach', () => (order.push('attach'), { ...endpoint(), id: ID, terminal: false, stdinOnce: true, waitForStart: true, start: 1 }));
    answers.set('containers.wait', async () => (order.push('wait'), await exit, { done: true, id: ID, exitCode: 7, error: '', startNumber: 1 }));
    answers.set('containers.start', () => {
      order.push('start');
      happens({ type: 'ContainerStarted', container: ID, start: 1, pid: 1, at: new Date().toISOString() });
      return { changed: true, position: 2 };
    });
    serve = (stream) => {
      let typed = '';
      stream.on('data', (bytes) => (typed += String(bytes)));
      stream.on('end', () => {
        stream.write(frame(1, typed.toUpperCase()));
        stream.end(frame(2, 'warning\n'));
        exited();
      });
    };
    const run = await docker(['run', '-i', 'debian', 'cat'], 'hello\n');
    expect(run).toEqual({ code: 7, out: 'HELLO\n', err: 'warning\n' });
    expect(order).toEqual(['attach', 'wait', 'start']);
    expect(asked.find((one) => one.subject === 'containers.create')?.data).toMatchObject({ config: { Image: 'debian', Cmd: ['cat'], OpenStdin: true }, hostConfig: { NetworkMode: 'bridge' } });
  });

  test('docker run of a command that cannot start ends with its error', async () => {
    answers.set('containers.create', () => ({ id: ID, warnings: [], position: 1 }));
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: false, waitForStart: true, start: 2 }));
    answers.set('containers.wait', () => new Promise(() => {}));
    answers.set('containers.start', () => {
      happens({ type: 'StartFailed', container: ID, start: 2, error: 'no such file', exitCode: 127, at: new Date().toISOString() });
      throw conflict('exec: "nope": executable file not found in $PATH');
    });
    const run = await docker(['run', 'debian', 'nope']);
    expect(run.err).toContain('executable file not found in $PATH');
    expect(run.code).toBe(127);
  });

  test('docker exec sends its body, streams, and takes the exit code', async () => {
    answers.set('containers.create-exec', () => ({ id: 'e1' }));
    answers.set('containers.start-exec', () => ({ endpoint: endpoint(), terminal: false }));
    answers.set('containers.get-exec', () => ({ id: 'e1', container: ID, config: { args: ['id'] }, running: false, exitCode: 3, pid: 9 }));
    serve = (stream) => void stream.end(frame(1, 'uid=0\n'));
    expect(await docker(['exec', 'web', 'id'])).toEqual({ code: 3, out: 'uid=0\n', err: '' });
    expect(asked.find((one) => one.subject === 'containers.create-exec')?.data).toMatchObject({ args: ['id'], attachStdout: true });
  });

  test('docker logs of a container ends where the stream ends', async () => {
    answers.set('containers.logs', () => ({ ...endpoint(), terminal: false }));
    serve = (stream) => void stream.end(Buffer.concat([frame(1, 'one\n'), frame(2, 'two\n')]));
    expect(await docker(['logs', '--tail', '5', '--since', '10s', 'web'])).toEqual({ code: 0, out: 'one\n', err: 'two\n' });
    expect(asked.at(-1)?.data).toMatchObject({ tail: 5, follow: false });
  });

  test('docker pull prints the progress of the stream', async () => {
    answers.set('images.pull', () => endpoint());
    serve = (stream) => void stream.end('{"status":"Pulling from a/b","id":"v1"}\r\n{"status":"done"}\r\n');
    const { code, out } = await docker(['pull', 'host.example:5000/a/b:v1']);
    expect(code).toBe(0);
    expect(out).toContain('Pulling from a/b');
    expect(asked.find((one) => one.subject === 'images.pull')?.data).toEqual({ reference: 'host.example:5000/a/b:v1', allTags: false });
  });

  test('docker load sends the archive and prints what the stream says', async () => {
    answers.set('images.load', () => endpoint());
    serve = (stream) => {
      let bytes = 0;
      stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
      stream.on('end', () => stream.end(`{"stream":"got ${bytes}\\n"}\r\n`));
    };
    expect((await docker(['load'], 'x'.repeat(100_000))).out).toContain('got 100000');
  });

  test('docker events shows what happens, with name and labels', async () => {
    const shown = docker(['events', '--until', `${Math.ceil(Date.now() / 1000) + 1}`, '--format', '{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}']);
    await new Promise((resolve) => setTimeout(resolve, 400));
    const at = new Date().toISOString();
    happens({ type: 'ContainerCreated', container: ID, name: 'web', config: view.config, hostConfig: {}, imageId: '', imageRef: 'debian', layers: [], path: '', args: [], mounts: [], at });
    happens({ type: 'ContainerExited', container: ID, start: 1, exitCode: 7, signal: 0, oomKilled: false, reason: 'completed', at });
    expect((await shown).out.replaceAll('<no value>', '')).toBe('create web \ndie web 7\n');
  });

  test('docker ps refuses a filter that does not exist', async () => {
    expect((await docker(['ps', '--filter', 'colour=red'])).err).toContain("invalid filter 'colour'");
  });
});
