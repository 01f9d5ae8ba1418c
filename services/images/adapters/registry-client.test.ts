import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseTagged } from '#libs/oci/reference.js';
import { boundedBytes } from './bounded-body.js';
import { RegistryClient } from './registry-client.js';

const DIGEST = `sha256:${'a'.repeat(64)}`;

let server: Server;
/** What it answers without end, by path; and how much of that was taken. */
let endless: Record<string, { readonly status: number; readonly headers: Record<string, string> }>;
let taken: number;
/** Other answers, by path and query. */
let answers: Record<string, (request: IncomingMessage, response: ServerResponse) => void>;
let client: RegistryClient;
beforeEach(async () => {
  [endless, taken, answers] = [{}, 0, {}];
  // Gives the first bytes of a blob, and no more.
  server = createServer((request, response) => {
    const other = answers[request.url ?? ''];
    if (other !== undefined) return other(request, response);
    const answer = endless[request.url?.replace(/\?.*/, '') ?? ''];
    if (answer === undefined) return void response.writeHead(200, { 'content-length': 1000 }).write('begun');
    response.writeHead(answer.status, answer.headers);
    tell(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new RegistryClient(parseTagged(`127.0.0.1:${(server.address() as AddressInfo).port}/sea/slow`), undefined);
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const CHUNK = Buffer.alloc(1 << 16, ' ');
/** For ever; to somebody who takes all of it this does not go on much longer than a test may. */
function tell(response: ServerResponse): void {
  while (!response.destroyed && taken < 64 << 20) {
    taken += CHUNK.length;
    if (!response.write(CHUNK)) return void response.once('drain', () => tell(response));
  }
  response.end();
}

test('an error without end is an error, of which little is read', async () => {
  endless['/v2/sea/slow/manifests/1'] = { status: 500, headers: {} };
  await expect(client.manifest('1')).rejects.toMatchObject({ status: 500, message: expect.stringContaining('500 Internal Server Error') as string });
  expect(taken).toBeLessThan(32 << 20);
});

test('a token without end is refused, of which little is read', async () => {
  const realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  endless['/v2/sea/slow/manifests/1'] = { status: 401, headers: { 'www-authenticate': `Bearer realm="${realm}"` } };
  endless['/token'] = { status: 200, headers: {} };
  await expect(client.manifest('1')).rejects.toMatchObject({ kind: 'invalid', message: "the registry's token has more than 1048576 bytes" });
  expect(taken).toBeLessThan(32 << 20);
});

const page = (tags: readonly string[] | null, link?: string) => (_: IncomingMessage, response: ServerResponse): void => {
  if (link !== undefined) response.setHeader('link', link);
  response.end(JSON.stringify({ name: 'sea/slow', tags }));
};

test('tags come page by page, and to an end where the pages do not', async () => {
  answers['/v2/sea/slow/tags/list'] = page(['1', '2'], '</v2/sea/slow/tags/list?last=2&n=2>; rel="next"');
  answers['/v2/sea/slow/tags/list?last=2&n=2'] = page(['3'], '</v2/sea/slow/tags/list?last=2&n=2>; rel="next"');
  expect(await client.tags()).toEqual(['1', '2', '3']);
  answers['/v2/sea/slow/tags/list'] = page(null);
  expect(await client.tags()).toEqual([]);
});

test('a list of tags that goes on at another host is refused: our authorization would go there', async () => {
  answers['/v2/sea/slow/tags/list'] = page(['1'], '<http://127.0.0.2/v2/sea/slow/tags/list?last=1>; rel="next"');
  await expect(client.tags()).rejects.toMatchObject({ kind: 'invalid', message: 'the registry lists its tags elsewhere' });
});

test('a token that came with the request is the one that is shown, and nobody is asked for another', async () => {
  const { port } = server.address() as AddressInfo;
  answers['/v2/sea/slow/tags/list'] = (request, response) => {
    if (request.headers.authorization === 'Bearer my own') return page(['1'])(request, response);
    response.writeHead(401, { 'www-authenticate': `Bearer realm="http://127.0.0.1:${port}/token",service="s"` }).end('{}');
  };
  const withToken = (registrytoken: string): RegistryClient => new RegistryClient(parseTagged(`127.0.0.1:${port}/sea/slow`), { registrytoken });
  expect(await withToken('my own').tags()).toEqual(['1']);
  await expect(withToken('another').tags()).rejects.toMatchObject({ status: 401 });
});

test('a manifest or configuration that is another than the one of that digest is refused', async () => {
  for (const what of ['manifests', 'blobs']) answers[`/v2/sea/slow/${what}/${DIGEST}`] = (_, response) => void response.end('{}');
  await expect(client.manifest(DIGEST)).rejects.toMatchObject({ kind: 'invalid', message: `the registry gave another manifest than ${DIGEST}` });
  await expect(client.smallBlob(DIGEST, 100)).rejects.toMatchObject({ kind: 'invalid', message: `the registry gave another blob than ${DIGEST}` });
});

test('a small body that does not come to an end is waited for only so long', async () => {
  const { port } = server.address() as AddressInfo;
  await expect(boundedBytes(await fetch(`http://127.0.0.1:${port}/`), 1_000, 'manifest', 50)).rejects.toMatchObject({ kind: 'unavailable', message: "the registry's manifest did not come in time" });
});

test('a blob that is given up before anybody reads it fails when it is read, and nowhere else', async () => {
  const gone = new AbortController();
  const { bytes } = await client.blob(DIGEST, gone.signal);
  gone.abort(new Error('another layer is damaged'));
  // An error that nobody listened for would come in one of these, and end the process.
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  await expect(bytes[Symbol.asyncIterator]().next()).rejects.toThrow('another layer is damaged');
});
