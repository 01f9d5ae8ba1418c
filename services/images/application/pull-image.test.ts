import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PullImage } from '#contracts/images/images.js';
import { openStream } from '#libs/messaging/open-stream.js';
import { digestOf } from '#libs/oci/digest.js';
import { ContentLease, ContentStore } from '../adapters/content-store.js';
import { asked, ImagesWorld, lines } from '../testing/images-world.js';
import { dockerArchive, sample, type Sample } from '../testing/sample-image.js';
import { PullMetrics } from './pull-metrics.js';

let world: ImagesWorld;
let registry: Server;
let host: string;
let image: Sample;
let layer: Buffer;
let requests: string[];
/** How many downloads of the layer break off. */
let breaks: number;
/** What becomes of one download of the layer, in place of all that. */
let elsewhere: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;

beforeEach(async () => {
  world = await ImagesWorld.open();
  image = await sample('1');
  layer = image.layer;
  [requests, breaks, elsewhere] = [[], 0, undefined];
  registry = createServer((request, response) => serve(request, response)).listen(0, '127.0.0.1');
  await once(registry, 'listening');
  host = `127.0.0.1:${(registry.address() as AddressInfo).port}`;
});

afterEach(async () => {
  vi.restoreAllMocks();
  registry.close();
  await world.close();
});

function serve(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', `http://${host}`);
  requests.push(`${url.pathname} ${request.headers.authorization ?? ''}`);
  const send = (body: Buffer | string, type = 'application/octet-stream', status = 200): void => void response.writeHead(status, { 'content-type': type }).end(body);
  if (url.pathname === '/token') return send(JSON.stringify({ token: `for-${url.searchParams.get('scope')}` }), 'application/json');
  if (url.pathname === '/elsewhere' && elsewhere) return elsewhere(request, response);
  if (url.pathname === '/elsewhere' && breaks-- > 0) {
    response.writeHead(200, { 'content-length': layer.length }).write(layer.subarray(0, 10), () => response.destroy());
    return;
  }
  if (url.pathname === '/elsewhere') return send(layer);
  if (request.headers.authorization !== 'Bearer for-repository:me/app:pull') {
    response.setHeader('www-authenticate', `Bearer realm="http://${host}/token",service="s",scope="repository:me/app:pull"`);
    return send('{}', 'application/json', 401);
  }
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf(image.manifest), size: image.manifest.length, platform: { os: 'linux', architecture: 'amd64' } }],
  });
  if (url.pathname === '/v2/me/app/manifests/1') return send(index, 'application/vnd.oci.image.index.v1+json');
  if (url.pathname === `/v2/me/app/manifests/${digestOf(image.manifest)}`) return send(image.manifest, 'application/vnd.oci.image.manifest.v1+json');
  if (url.pathname === `/v2/me/app/blobs/${image.id}`) return send(image.config);
  if (url.pathname === `/v2/me/app/blobs/${digestOf(image.layer)}`) return void response.writeHead(307, { location: '/elsewhere' }).end();
  send(JSON.stringify({ errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] }), 'application/json', 404);
}

const pull = async (tag: string): Promise<Record<string, unknown>[]> => lines(await world.talk(await world.images.pull(Object.assign(new PullImage(), { reference: `${host}/me/app:${tag}`, platform: 'linux/amd64' }), asked)));

test('an image comes from a registry that wants a token, and is up to date after that', async () => {
  const told = await pull('1');
  const id = digestOf(image.layer).slice(7, 19);
  expect(told[0]).toEqual({ status: 'Pulling from me/app', id: '1' });
  expect(told).toContainEqual({ status: 'Pulling fs layer', progressDetail: {}, id });
  expect(told).toContainEqual({ status: 'Download complete', progressDetail: {}, id });
  expect(told).toContainEqual({ status: 'Pull complete', progressDetail: {}, id });
  expect(told.at(-1)).toEqual({ status: `Status: Downloaded newer image for ${host}/me/app:1` });
  const view = await world.images.get({ image: `${host}/me/app:1` } as never);
  expect(view.id).toBe(image.id);
  expect(view.repoDigests[0]).toMatch(new RegExp(`^${host}/me/app@sha256:`));
  expect((await world.images.get({ image: view.repoDigests[0] } as never)).id).toBe(image.id);
  expect((await pull('1')).at(-1)).toEqual({ status: `Status: Image is up to date for ${host}/me/app:1` });
});

test('an image that was loaded, with layers as a registry does not have them, is pulled without any', async () => {
  await world.load(await dockerArchive(image, ['loaded:1']));
  const told = await pull('1');
  expect(told.map(({ status }) => status)).toEqual(['Pulling from me/app', expect.stringMatching(/^Digest: sha256:/), `Status: Downloaded newer image for ${host}/me/app:1`]);
  expect(await world.images.get({ image: image.id } as never)).toMatchObject({ repoTags: [`${host}/me/app:1`, 'loaded:1'], repoDigests: [expect.stringContaining(`${host}/me/app@`)] });
  expect(new Set(world.unpacked.map(({ digest }) => digest))).toEqual(new Set([digestOf(image.tar)]));
  expect(requests.filter((one) => one.includes('/blobs/'))).toEqual([]);
});

test('an unknown tag is refused before any line', async () => {
  await expect(pull('none')).rejects.toMatchObject({ kind: 'not-found', message: `manifest for ${host}/me/app:none not found: manifest unknown: manifest unknown` });
});

test('a store that is full ends the pull: the layer is not asked for again', async () => {
  const begin = ContentStore.prototype.begin;
  vi.spyOn(ContentStore.prototype, 'begin').mockImplementation(async function (this: ContentStore, expected) {
    const ingest = await begin.call(this, expected);
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    if (expected.digest === digestOf(image.layer)) vi.spyOn(ingest, 'append').mockRejectedValue(full);
    return ingest;
  });
  expect((await pull('1')).at(-1)).toMatchObject({ error: expect.stringContaining('no space left') as string });
  expect(requests.filter((one) => one.startsWith('/elsewhere'))).toHaveLength(1);
});

test('a connection that breaks is tried again', async () => {
  breaks = 1;
  expect((await pull('1')).at(-1)).toEqual({ status: `Status: Downloaded newer image for ${host}/me/app:1` });
  expect(requests.filter((one) => one.startsWith('/elsewhere'))).toHaveLength(2);
});

test('a download goes on where it broke off, as often as that brings it further', async () => {
  const part = Math.ceil(layer.length / 7);
  const arrived = vi.spyOn(PullMetrics.prototype, 'received');
  const ranges: (string | undefined)[] = [];
  elsewhere = (request, response) => {
    const { range } = request.headers;
    ranges.push(range);
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]);
    response.writeHead(range === undefined ? 200 : 206, { 'content-length': layer.length - from, ...(range !== undefined && { 'content-range': `bytes ${from}-${layer.length - 1}/${layer.length}` }) });
    // It breaks off once what was sent has come.
    if (from + part < layer.length) arrived.mockImplementation((bytes) => void (bytes === part && response.destroy()));
    response.write(layer.subarray(from, from + part));
  };
  expect((await pull('1')).at(-1)).toEqual({ status: `Status: Downloaded newer image for ${host}/me/app:1` });
  expect(ranges).toEqual([undefined, ...[1, 2, 3, 4, 5, 6].map((times) => `bytes=${times * part}-`)]);
});

test('two pulls wait for one download of a layer, which goes on when one of them leaves', async () => {
  const [held, answers] = [vi.spyOn(ContentLease.prototype, 'hold'), Promise.withResolvers<void>()];
  elsewhere = (_, response) => void answers.promise.then(() => response.end(layer));
  const first = await openStream(await world.images.pull(Object.assign(new PullImage(), { reference: `${host}/me/app:1`, platform: 'linux/amd64' }), asked));
  const second = pull('1');
  await expect.poll(() => held.mock.calls.filter(([digest]) => digest === digestOf(image.layer)).length).toBe(2);
  first.destroy();
  await once(first, 'close');
  answers.resolve();
  expect((await second).at(-1)).toEqual({ status: `Status: Downloaded newer image for ${host}/me/app:1` });
  expect(requests.filter((one) => one.startsWith('/elsewhere'))).toHaveLength(1);
});

test('a download that nobody waits for any more ends, and nothing of it stays', async () => {
  const begun = Promise.withResolvers<ServerResponse>();
  elsewhere = (_, response) => begun.resolve(response);
  const client = await openStream(await world.images.pull(Object.assign(new PullImage(), { reference: `${host}/me/app:1`, platform: 'linux/amd64' }), asked));
  const response = await begun.promise;
  response.writeHead(200, { 'content-length': layer.length }).write(layer.subarray(0, 10));
  const ended = once(response, 'close');
  client.destroy();
  await ended;
  await expect.poll(() => [world.blobs(), readdirSync(join(world.top, 'content/ingest'))]).toEqual([[], []]);
});

test('a layer that is being unpacked is let go of as soon as the last client has left', async () => {
  const [unpacking, ends] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  world.unpacking = () => (unpacking.resolve(), ends.promise);
  const client = await openStream(await world.images.pull(Object.assign(new PullImage(), { reference: `${host}/me/app:1`, platform: 'linux/amd64' }), asked));
  await unpacking.promise;
  client.destroy();
  await expect.poll(() => world.removedLayers).toEqual([digestOf(image.tar)]);
  await expect.poll(() => world.blobs()).toEqual([]);
  ends.resolve();
});

test('bytes that are not the layer are refused, and nothing of it stays', async () => {
  layer = Buffer.from(image.layer);
  layer[layer.length - 1]! ^= 1;
  expect((await pull('1')).at(-1)).toMatchObject({ error: expect.stringContaining('damaged') as string });
  expect(world.blobs()).toEqual([]);
  expect((await world.images.list()).images).toEqual([]);
});
