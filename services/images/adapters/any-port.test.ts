import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { parseTagged } from '#libs/oci/reference.js';
import { fetchAnyPort } from './any-port.js';
import { fetchFrom, RegistryClient } from './registry-client.js';

/** Of those that fetch does not go to; the machine may use some. */
const BLOCKED = [6000, 10080, 6665, 6666, 6667, 6668, 6669, 5060, 5061, 4190];
const MANIFEST = '{"schemaVersion":2}';

const asked: { readonly path: string; readonly authorization: string | undefined; readonly body: string }[] = [];
let server: Server;
let host: string;
let elsewhere: string;

async function listen(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const listens = await new Promise<boolean>((resolve) => server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)));
    if (listens) return;
  }
  throw new Error('all of these ports are taken');
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const piece of request) body += String(piece);
  return body;
}

beforeEach(async () => {
  asked.length = 0;
  server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const path = (request.url ?? '').replace(/\?.*/, '');
      asked.push({ path, authorization: request.headers.authorization, body });
      if (path === '/token') return response.end('{"token":"short"}');
      if (path === '/v2/sea/ship/blobs/moved') return response.writeHead(307, { location: `http://${elsewhere}/there` }).end();
      if (path === '/round') return response.writeHead(302, { location: '/round' }).end();
      if (request.headers.authorization !== 'Bearer short' && path !== '/there') return response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token",service="sea"` }).end();
      return response.writeHead(200, { 'content-type': 'application/x' }).end(MANIFEST);
    });
  });
  await listen(BLOCKED);
  const { port } = server.address() as AddressInfo;
  host = `127.0.0.1:${port}`;
  elsewhere = `localhost:${port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('a registry on a port that no web page may reach is asked, and for its token', async () => {
  const client = new RegistryClient(parseTagged(`${host}/sea/ship`), { identitytoken: 'long' });
  expect(await client.manifest('1')).toMatchObject({ bytes: Buffer.from(MANIFEST), mediaType: 'application/x' });
  expect(asked.find(({ path }) => path === '/token')?.body).toBe(`grant_type=refresh_token&service=sea&client_id=berth&scope=${encodeURIComponent('repository:sea/ship:pull')}&refresh_token=long`);
});

test('another host that it sends us to is not told who we are', async () => {
  const client = new RegistryClient(parseTagged(`${host}/sea/ship`), { identitytoken: 'long' });
  let bytes = '';
  for await (const piece of (await client.blob('moved')).bytes) bytes += Buffer.from(piece).toString();
  expect(bytes).toBe(MANIFEST);
  expect(asked.at(-1)).toEqual({ path: '/there', authorization: undefined, body: '' });
});

test('a registry elsewhere is asked by the proxy of the environment, the machine itself is not', async () => {
  const seen: string[] = [];
  const proxy = createServer((request, response) => {
    seen.push(`${request.url} ${request.headers['proxy-authorization']}`);
    if (request.url === 'http://sea.example/v2/sea/ship/blobs/moved') return response.writeHead(307, { location: `http://${elsewhere}/there` }).end();
    return response.writeHead(request.url?.endsWith('none') === true ? 404 : 200, { 'content-type': 'application/x' }).end('by the proxy');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('HTTP_PROXY', `http://me:secret@127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  try {
    const client = new RegistryClient(parseTagged('sea.example/sea/ship'), undefined, ['sea.example']);
    expect((await client.manifest('1')).bytes.toString()).toBe('by the proxy');
    await expect(client.manifest('none')).rejects.toThrow('unexpected status from http://sea.example/v2/sea/ship/manifests/none: 404 Not Found');
    let bytes = '';
    for await (const piece of (await client.blob('moved')).bytes) bytes += Buffer.from(piece).toString();
    expect(bytes).toBe(MANIFEST);
    expect(asked.map(({ path }) => path)).toEqual(['/there']);
    expect(seen).toEqual(['manifests/1', 'manifests/none', 'blobs/moved'].map((path) => `http://sea.example/v2/sea/ship/${path} Basic ${Buffer.from('me:secret').toString('base64')}`));
  } finally {
    vi.unstubAllEnvs();
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
  }
});

test('who is sent in a circle gives up, and what nobody answers is told as ever', async () => {
  await expect(fetchAnyPort(`http://${host}/round`, { signal: AbortSignal.timeout(5_000) })).rejects.toThrow('redirect count exceeded');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await expect(fetchFrom(`http://${host}/`, {}, () => false)).rejects.toMatchObject({ kind: 'unclassified', message: expect.stringMatching(/^Get "http:.*: dial tcp .*: connect: connection refused$/) as string });
});
