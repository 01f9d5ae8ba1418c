import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { json } from 'node:stream/consumers';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PrivateDockerd, startDockerd } from '../bench/private-dockerd.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http as berthHttp } from '../engine/http.js';

const DOCKERD = '/usr/sbin/dockerd';
/** dockerd looks nowhere else. */
const SPECS = '/etc/docker/plugins';
const NAMES = [`berth-test-${process.pid}-a`, `berth-test-${process.pid}-b`] as const;

interface Call {
  readonly plugin: string;
  readonly method: string;
  readonly message: Readonly<Record<string, unknown>>;
}

let folder: string;
let engine: TestEngine;
let dockerd: PrivateDockerd | undefined;
const servers: Server[] = [];
const calls: Call[] = [];
/** What the client's header X-Plugin makes a plugin do, "a:AuthZReq:deny". */
const wish = (message: Call['message']): string => (message.RequestHeaders as Readonly<Record<string, string>> | undefined)?.['X-Plugin'] ?? '';

beforeAll(async () => {
  folder = mkdtempSync('/var/tmp/berth-authz-');
  chmodSync(folder, 0o755);
  mkdirSync(SPECS, { recursive: true });
  for (const name of NAMES) {
    const socket = join(folder, `${name}.sock`);
    servers.push(await servePlugin(name, socket));
    chmodSync(socket, 0o666);
    writeFileSync(join(SPECS, `${name}.spec`), `unix://${socket}\n`);
  }
  [engine, dockerd] = await Promise.all([
    startEngine({ BERTH_AUTHORIZATION_PLUGINS: NAMES.join(',') }),
    existsSync(DOCKERD) ? startDockerd(DOCKERD, NAMES.flatMap((name) => ['--authorization-plugin', name])) : undefined,
  ]);
}, 60_000);

afterAll(async () => {
  await Promise.all([engine?.stop(), dockerd?.stop()]);
  for (const server of servers) server.close().closeAllConnections();
  for (const name of NAMES) rmSync(join(SPECS, `${name}.spec`), { force: true });
  for (const path of [SPECS, '/etc/docker']) removeIfEmpty(path);
  rmSync(folder, { recursive: true });
}, 60_000);

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // somebody else's files
  }
}

async function servePlugin(plugin: string, socket: string): Promise<Server> {
  const server = createServer((asked, reply) => {
    void (async () => {
      const method = (asked.url ?? '').slice(1);
      const message = (await json(asked).catch(() => ({}))) as Call['message'];
      const answer = (status: number, body: string): unknown => reply.writeHead(status, { 'Content-Type': 'application/vnd.docker.plugins.v1.2+json' }).end(body);
      if (method === 'Plugin.Activate') return answer(200, '{"Implements":["authz"]}');
      calls.push({ plugin: plugin.slice(-1), method, message });
      const [who, when, what] = wish(message).split(':');
      if (plugin.slice(-1) !== who || method !== `AuthZPlugin.${when}`) return answer(200, '{"Allow":true}');
      if (what === 'deny') return answer(200, '{"Allow":false,"Msg":"not on a Sunday"}');
      if (what === 'deny-silently') return answer(200, '{}');
      if (what === 'err') return answer(500, '{"Err":"out of order"}');
      if (what === 'text') return answer(500, 'out of order');
      return answer(200, '{"Allow":true,"Err":"all the same"}');
    })();
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return server;
}

interface Asked {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What a plugin was asked, without what differs between any two engines: headers and bodies of answers. Of a ping dockerd tells no status, Berth 200. */
const shown = ({ plugin, method, message }: Call): object => {
  const { ResponseHeaders: _, ResponseBody: body, ResponseStatusCode: status, ...rest } = message;
  return { plugin, method, ...rest, answers: body !== undefined, ...(message.RequestUri === '/_ping' ? {} : { status }) };
};

async function outcome(socketPath: string, { method, path, headers = {}, body }: Asked): Promise<{ readonly status: number; readonly message: string; readonly calls: readonly object[] }> {
  calls.length = 0;
  const { status, text } = await new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    const call = request({ socketPath, method, path, headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) }), ...headers } }, (response) => {
      let text = '';
      response.on('data', (bytes) => (text += String(bytes))).on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    call.on('error', reject).end(body);
  });
  const message = status >= 400 ? (JSON.parse(text) as { readonly message: string }).message : '';
  return { status, message, calls: calls.map(shown) };
}

const volume = (name: string): string => JSON.stringify({ Name: name, Labels: { a: 'b' } });
const wishes = (what: string): { readonly headers: Readonly<Record<string, string>> } => ({ headers: { 'X-Plugin': what } });
const REQUESTS: readonly Asked[] = [
  { name: 'a ping', method: 'GET', path: '/_ping' },
  { name: 'a list', method: 'GET', path: '/v1.41/containers/json?all=1' },
  { name: 'a body', method: 'POST', path: '/v1.41/volumes/create', body: volume('one') },
  { name: 'secrets', method: 'GET', path: '/v1.41/volumes', headers: { 'X-Registry-Auth': 'c2VjcmV0', Authorization: 'Basic c2VjcmV0', 'X-Other': 'shown' } },
  { name: 'an answer without a body', method: 'DELETE', path: '/v1.41/volumes/one' },
  { name: 'an error of the engine', method: 'GET', path: '/v1.41/volumes/none' },
  { name: 'the first denies', method: 'POST', path: '/v1.41/volumes/create', body: volume('two'), ...wishes('a:AuthZReq:deny') },
  { name: 'the second denies', method: 'POST', path: '/v1.41/volumes/create', body: volume('two'), ...wishes('b:AuthZReq:deny') },
  { name: 'one denies without a word', method: 'GET', path: '/v1.41/info', ...wishes('a:AuthZReq:deny-silently') },
  { name: 'one denies the answer', method: 'GET', path: '/v1.41/volumes', ...wishes('a:AuthZRes:deny') },
  { name: 'the second denies the answer', method: 'GET', path: '/v1.41/images/json', ...wishes('b:AuthZRes:deny') },
  { name: 'one fails', method: 'GET', path: '/v1.41/volumes', ...wishes('b:AuthZReq:err') },
  { name: 'one fails in plain text', method: 'GET', path: '/v1.41/volumes', ...wishes('a:AuthZReq:text') },
  { name: 'one fails at the answer', method: 'GET', path: '/v1.41/volumes', ...wishes('a:AuthZRes:err') },
  { name: 'one allows, and complains', method: 'GET', path: '/v1.41/volumes', ...wishes('a:AuthZReq:allow') },
];

describe.skipIf(!existsSync(DOCKERD))('as dockerd does', () => {
  test.each(REQUESTS)('$name', async (asked) => {
    const theirs = await outcome(dockerd?.socket ?? '', asked);
    expect(await outcome(engine.socket, asked)).toEqual(theirs);
  });
});

test('what is denied is not done, and is an event', async () => {
  const { status, message } = await outcome(engine.socket, { name: '', method: 'POST', path: '/v1.41/volumes/create', body: volume('three'), ...wishes('b:AuthZReq:deny') });
  expect({ status, message }).toEqual({ status: 403, message: `authorization denied by plugin ${NAMES[1]}: not on a Sunday` });
  expect((await berthHttp(engine.socket, 'GET', '/volumes/three')).status).toBe(404);
  const { text } = await berthHttp(engine.socket, 'GET', '/berth/history/uid:0');
  expect(JSON.parse(text)).toContainEqual(expect.objectContaining({ event: 'AccessRefused', details: expect.objectContaining({ by: NAMES[1], reason: 'not on a Sunday', route: 'POST /volumes/create' }) }));
});

/** Of the request for a volume: plugins may hear of the end of an earlier stream meanwhile. */
const bodyShown = (): string => Buffer.from(String(calls.find(({ message }) => String(message.RequestUri).includes('/volumes/create'))?.message.RequestBody), 'base64').toString();

test('a body without a length, or of a size that dockerd would not pass on, is shown whole (CVE-2024-41110)', async () => {
  const large = JSON.stringify({ Name: 'large', Labels: { filler: 'x'.repeat(2 * 1024 * 1024) } });
  const headers = { 'X-Plugin': 'a:AuthZReq:deny', 'Transfer-Encoding': 'chunked', 'Content-Type': 'application/json' };
  calls.length = 0;
  const status = await new Promise<number>((resolve, reject) => {
    const call = request({ socketPath: engine.socket, method: 'POST', path: '/volumes/create', headers }, (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)));
    call.on('error', reject).end(large);
  });
  expect(status).toBe(403);
  expect(bodyShown()).toBe(large);
});

test.each([
  { how: 'a second Content-Type', path: '/v1.41/volumes/create', types: ['application/json', 'text/plain'] },
  { how: 'a path that goes on behind its end', path: '/v1.41/volumes/create#/auth', types: ['application/json'] },
])('$how hides no body', async ({ path, types }) => {
  calls.length = 0;
  const headers = ['Host', 'd', 'X-Plugin', 'a:AuthZReq:deny', ...types.flatMap((type) => ['Content-Type', type]), 'Content-Length', String(volume('hidden').length)];
  const status = await new Promise<number>((resolve, reject) => {
    const call = request({ socketPath: engine.socket, method: 'POST', path, headers }, (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)));
    call.on('error', reject).end(volume('hidden'));
  });
  expect(status).toBe(403);
  expect(bodyShown()).toBe(volume('hidden'));
});

test('an attach goes through the same door', async () => {
  const { status, message } = await outcome(engine.socket, { name: '', method: 'POST', path: '/containers/none/attach?stream=1', headers: { Upgrade: 'tcp', Connection: 'Upgrade', 'X-Plugin': 'a:AuthZReq:deny' } });
  expect({ status, message }).toEqual({ status: 403, message: `authorization denied by plugin ${NAMES[0]}: not on a Sunday` });
});

test('docker info names them', async () => expect((await engine.docker(['info', '--format', '{{.Plugins.Authorization}}'])).stdout.trim()).toBe(`[${NAMES.join(' ')}]`));

test('a plugin that is gone is no permission', async () => {
  rmSync(join(SPECS, `${NAMES[0]}.spec`));
  await new Promise<void>((resolve) => servers[0]?.close(() => resolve()).closeAllConnections());
  expect(await outcome(engine.socket, { name: '', method: 'GET', path: '/_ping' })).toMatchObject({ status: 500, message: expect.stringContaining(`plugin ${NAMES[0]} failed with error: `) });
});
