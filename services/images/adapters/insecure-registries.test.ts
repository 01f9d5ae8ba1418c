import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { parseTagged } from '#libs/oci/reference.js';
import { CertificateAuthority } from '../../../test/fixtures/certificates.js';
import { InsecureRegistries } from './insecure-registries.js';
import { RegistryClient } from './registry-client.js';
import { logIn } from './registry-login.js';

const MANIFEST = '{"schemaVersion":2}';
const SINBAD = { username: 'sinbad', password: 'open sesame' };
const BASIC = `Basic ${Buffer.from('sinbad:open sesame').toString('base64')}`;
/** By no name that anybody resolves: it is behind the proxy. */
const FAR = 'sea.example';
/** Of a TLS record that begins a handshake (RFC 8446, 5.1). */
const HANDSHAKE = 0x16;

let folder: string;
let cert: Buffer;
let key: Buffer;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-certificates-'));
  const files = new CertificateAuthority(folder, 'nobody knows').certify('registry', { commonName: 'registry' });
  [cert, key] = [readFileSync(files.cert), readFileSync(files.key)];
});
afterAll(() => rmSync(folder, { recursive: true }));

/** "https /v2/ Basic …", as they came. */
let seen: string[];
let handshakes: number;
/** What becomes of who begins with TLS. */
let tls: 'served' | 'answered in plain HTTP' | 'reset';
let answers: (request: IncomingMessage, response: ServerResponse, scheme: string) => void;
let plain: Server;
let secure: Server;
let registry: Server;
let sockets: Set<Duplex>;
let host: string;

/** Wants name and password. */
function locked(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.authorization !== BASIC) return void response.writeHead(401, { 'www-authenticate': 'Basic realm="sea"' }).end();
  response.end(MANIFEST);
}

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

beforeEach(async () => {
  [seen, handshakes, tls, answers, sockets] = [[], 0, 'served', locked, new Set()];
  const serve = (scheme: string) => (request: IncomingMessage, response: ServerResponse): void => {
    seen.push(`${scheme} ${request.url} ${request.headers.authorization ?? '-'}`);
    answers(request, response, scheme);
  };
  [plain, secure] = [createHttpServer(serve('http')), createHttpsServer({ cert, key }, serve('https'))];
  const [port, tlsPort] = [await listening(plain), await listening(secure)];
  registry = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    socket.once('data', (first) => {
      if (first[0] === HANDSHAKE) handshakes++;
      if (first[0] === HANDSHAKE && tls === 'reset') return void socket.resetAndDestroy();
      const server = connect(first[0] === HANDSHAKE && tls === 'served' ? tlsPort : port, '127.0.0.1').on('error', () => socket.destroy());
      sockets.add(server.on('close', () => socket.destroy()));
      server.write(first);
      socket.on('close', () => server.destroy()).pipe(server).pipe(socket);
    });
  });
  host = `127.0.0.1:${await listening(registry)}`;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const socket of sockets) socket.destroy();
  for (const server of [registry, plain, secure]) await new Promise((resolve) => server.close(resolve));
});

const clientOf = (at: string, insecure: readonly string[] = []): RegistryClient => new RegistryClient(parseTagged(`${at}/sea/ship`), SINBAD, insecure);

test("the machine's own registry is asked by https, whoever signed its certificate, and never else", async () => {
  expect((await clientOf(host).manifest('1')).bytes.toString()).toBe(MANIFEST);
  expect(await logIn(host, SINBAD, [])).toBe('');
  expect(seen.filter((line) => !line.startsWith('https '))).toEqual([]);
  expect(seen).toContain(`https /v2/sea/ship/manifests/1 ${BASIC}`);
  expect(seen.at(-1)).toBe(`https /v2/ ${BASIC}`);
});

test('what it answers by https is its answer, also where that is an error', async () => {
  answers = (_, response, scheme) => void response.writeHead(scheme === 'https' ? 500 : 200).end();
  await expect(clientOf(host).manifest('1')).rejects.toMatchObject({ status: 500 });
  await expect(logIn(host, SINBAD, [])).rejects.toThrow(`login attempt to https://${host}/v2/ failed with status: 500`);
  expect(seen.filter((line) => !line.startsWith('https '))).toEqual([]);
});

test.each(['answered in plain HTTP', 'reset'] as const)('where a handshake is %s it is asked over plain HTTP, and so for all of a pull', async (how) => {
  tls = how;
  const client = clientOf(host);
  for (const tag of ['1', '2']) expect((await client.manifest(tag)).bytes.toString()).toBe(MANIFEST);
  expect(handshakes).toBe(1);
  expect(await logIn(host, SINBAD, [])).toBe('');
  expect(handshakes).toBe(2);
  expect(seen.at(-1)).toBe(`http /v2/ ${BASIC}`);
});

test('its token is asked for at a server whose certificate nobody signed, and refused a way that is not secure', async () => {
  let token = `https://${host}/token`;
  answers = (request, response) => {
    if (request.url?.startsWith('/token') === true) return void response.end('{"token":"short"}');
    if (request.url?.startsWith('/moved') === true) return void response.writeHead(307, { location: `http://${FAR}/token` }).end();
    if (request.headers.authorization !== 'Bearer short') return void response.writeHead(401, { 'www-authenticate': `Bearer realm="${token}",service="sea"` }).end();
    response.end(MANIFEST);
  };
  expect((await clientOf(host).manifest('1')).bytes.toString()).toBe(MANIFEST);
  token = `http://${FAR}/token`;
  await expect(clientOf(host).manifest('1')).rejects.toThrow(`the registry asks to log in at http://${FAR}, which is not secure`);
  token = `https://${host}/moved`;
  const known = new RegistryClient(parseTagged(`${host}/sea/ship`), { identitytoken: 'long' });
  await expect(known.manifest('1')).rejects.toThrow(`it leads to http://${FAR}, which is not secure`);
});

test('a blob that is given up before anybody reads it fails when it is read, and nowhere else', async () => {
  answers = (_, response) => void response.writeHead(200, { 'content-length': 1000 }).write('begun');
  const gone = new AbortController();
  const client = clientOf(host);
  const { bytes } = await client.blob(`sha256:${'a'.repeat(64)}`, gone.signal);
  gone.abort(new Error('another layer is damaged'));
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  await expect(bytes[Symbol.asyncIterator]().next()).rejects.toThrow();
});

test('who left is asked for nowhere', async () => {
  await expect(clientOf(host).manifest('1', AbortSignal.abort(new Error('the client went away')))).rejects.toThrow('the client went away');
  expect(handshakes).toBe(0);
});

test('a registry elsewhere with a certificate that nobody knows is refused, and is believed where it is called insecure', async () => {
  const proxy = createHttpServer((request, response) => {
    seen.push(`proxied ${request.url}`);
    response.writeHead(401, { 'www-authenticate': 'Basic realm="sea"' }).end();
  });
  proxy.on('connect', (_, client) => {
    sockets.add(client);
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    const server = connect((registry.address() as AddressInfo).port, '127.0.0.1').on('error', () => client.destroy());
    client.on('error', () => server.destroy()).pipe(server).pipe(client);
  });
  const url = `http://127.0.0.1:${await listening(proxy)}`;
  for (const name of ['HTTPS_PROXY', 'HTTP_PROXY']) vi.stubEnv(name, url);
  try {
    for (const refused of [() => clientOf(FAR).manifest('1'), () => clientOf(FAR, ['other.example', `${FAR}:5000`]).manifest('1'), () => logIn(FAR, SINBAD, [])]) {
      await expect(refused()).rejects.toMatchObject({ kind: 'unclassified', message: expect.stringMatching(/^Get "https:.*certificate/) as string });
    }
    expect(seen).toEqual([]);
    expect((await clientOf(FAR, [FAR]).manifest('1')).bytes.toString()).toBe(MANIFEST);
    expect(await logIn(FAR, SINBAD, [FAR])).toBe('');
    expect(seen.filter((line) => !line.startsWith('https '))).toEqual([]);
    // Neither by http where no TLS comes up: it would hear the password.
    [tls, seen] = ['reset', []];
    await expect(clientOf(FAR).manifest('1')).rejects.toMatchObject({ kind: 'unclassified' });
    await expect(logIn(FAR, SINBAD, [])).rejects.toMatchObject({ kind: 'unclassified' });
    expect(seen).toEqual([]);
  } finally {
    proxy.close();
  }
});

test.each([
  [['registry:5000'], 'http://registry:5000/', true],
  [['Registry:5000'], 'https://registry:5000/token', true],
  [['registry'], 'https://registry/', true],
  [['registry'], 'http://registry:80/', true],
  [['registry:443'], 'https://registry/', true],
  [['registry:443'], 'http://registry/', false],
  [['registry'], 'http://registry:5000/', false],
  [['registry:5000'], 'http://registry/', false],
  [[], 'http://127.1.2.3:5000/', true],
  [[], 'https://[::1]:5000/', true],
  [[], 'http://localhost/', true],
  [[], 'http://localhost.sea.example/', false],
  [[], 'http://127.0.0.1.sea.example/', false],
] as const)('of %j, %s is one: %s', (names, url, isOne) => {
  expect(new InsecureRegistries(names).areAt(new URL(url))).toBe(isOne);
});
