import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { parseTagged } from '#libs/oci/reference.js';
import { CertificateAuthority, type Certified } from '../../../test/fixtures/certificates.js';
import { registryCertificates } from './registry-certificates.js';
import { RegistryClient } from './registry-client.js';


/** Of documentation (RFC 5737): it is behind the proxy. */
const [ADDRESS, HOST] = [[192, 0, 2, 7] as const, '192.0.2.7:5000'];

/** Where tokens are, by the certificate of the registry's own address. */
const TOKENS = '192.0.2.7:5001';
let asksForToken = false;
let told: string[] = [];

let folder: string;
let authority: CertificateAuthority;
let client: Certified;
let registry: Server;
let proxy: Server;
/** Of connections through the proxy, which it does not count as its own. */
const tunnels = new Set<Duplex>();
/** Below which the certificates of registries are. */
let root: string;

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};
const manifest = async (): Promise<string> => (await new RegistryClient(parseTagged(`${HOST}/sea/ship`), undefined).manifest('1')).bytes.toString();
const lay = (name: string, file: string, host = HOST): void => {
  mkdirSync(join(root, host), { recursive: true });
  copyFileSync(file, join(root, host, name));
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'berth-certificates-'));
  authority = new CertificateAuthority(folder, 'harbour');
  client = authority.certify('client', { commonName: 'sinbad' });
  const server = authority.certify('server', { commonName: 'registry' }, ADDRESS);
  registry = createHttpsServer({ cert: readFileSync(server.cert), key: readFileSync(server.key), ca: readFileSync(authority.cert), requestCert: true, rejectUnauthorized: false }, (request, response) => {
    if (asksForToken && request.headers.authorization === undefined && !request.url?.startsWith('/token')) return void response.writeHead(401, { 'www-authenticate': `Bearer realm="https://${TOKENS}/token"` }).end();
    if (request.url?.startsWith('/token')) return void response.end(JSON.stringify({ token: (request.socket as TLSSocket).authorized ? 'known' : 'stranger' }));
    if (asksForToken) told.push(request.headers.authorization ?? '');
    response.end(JSON.stringify({ schemaVersion: 2, isKnown: (request.socket as TLSSocket).authorized }));
  });
  const port = await listening(registry);
  proxy = createHttpServer().on('connect', (_, socket) => {
    tunnels.add(socket);
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    const far = connect(port, '127.0.0.1').on('error', () => socket.destroy());
    socket.on('error', () => far.destroy()).on('close', () => far.destroy()).pipe(far).pipe(socket);
  });
  const url = `http://127.0.0.1:${await listening(proxy)}`;
  for (const name of ['HTTPS_PROXY', 'HTTP_PROXY']) vi.stubEnv(name, url);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  for (const tunnel of tunnels) tunnel.destroy();
  for (const server of [registry, proxy]) await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  root = mkdtempSync(join(folder, 'certs-'));
  vi.stubEnv('BERTH_REGISTRY_CERTS', root);
});

test('a registry is believed whose authority was laid down for it, and for no other', async () => {
  await expect(manifest()).rejects.toThrow(/certificate/);
  lay('ca.crt', authority.cert, '192.0.2.7');
  await expect(manifest()).rejects.toThrow(/certificate/);
  lay('ca.crt', authority.cert);
  expect(JSON.parse(await manifest())).toEqual({ schemaVersion: 2, isKnown: false });
});

test('it is shown the certificate that was laid down for it', async () => {
  lay('ca.crt', authority.cert);
  lay('client.cert', client.cert);
  lay('client.key', client.key);
  expect(JSON.parse(await manifest())).toEqual({ schemaVersion: 2, isKnown: true });
});

test("a token server is believed and shown what counts for the registry, and what was laid down for itself does not count", async () => {
  asksForToken = true;
  told = [];
  try {
    lay('ca.crt', authority.cert);
    expect(JSON.parse(await manifest())).toMatchObject({ schemaVersion: 2 });
    lay('client.cert', client.cert);
    lay('client.key', client.key);
    expect(JSON.parse(await manifest())).toMatchObject({ schemaVersion: 2 });
    expect(told).toEqual(['Bearer stranger', 'Bearer known']);
    rmSync(join(root, HOST), { recursive: true });
    lay('ca.crt', authority.cert, TOKENS);
    await expect(manifest()).rejects.toThrow('x509: certificate signed by unknown authority');
  } finally {
    asksForToken = false;
  }
});

test('half of a pair is told', async () => {
  lay('client.cert', client.cert);
  await expect(manifest()).rejects.toThrow('missing key client.key for client certificate client.cert. CA certificates must use the extension .crt');
  rmSync(join(root, HOST, 'client.cert'));
  lay('client.key', client.key);
  await expect(manifest()).rejects.toThrow('missing client certificate client.cert for key client.key');
});

test.each([
  ['https://sea.example/', 'sea.example', true],
  ['https://sea.example/', 'sea.example:443', true],
  ['https://sea.example:5000/', 'sea.example', false],
])('%s has what is in %s: %s', async (url, name, isThere) => {
  lay('ca.crt', authority.cert, name);
  expect((await registryCertificates(new URL(url)))?.ca?.includes(readFileSync(authority.cert, 'utf8')) ?? false).toBe(isThere);
});

test('where the folder of dockerd is closed to us a registry is asked without it, and one that was set is told of', async () => {
  // Root, as which tests run, can look into every folder.
  const refused = () => Promise.reject(Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }));
  const found = (): Promise<unknown> => registryCertificates(new URL(`https://${HOST}/`), root, { readdir: refused, stat: refused });
  await expect(found()).rejects.toThrow("a registry's certificates cannot be read: EACCES");
  vi.stubEnv('BERTH_REGISTRY_CERTS', '');
  expect(await found()).toBeUndefined();
  // What is there is meant.
  await expect(registryCertificates(new URL(`https://${HOST}/`), root, { readdir: refused, stat: () => Promise.resolve({}) })).rejects.toThrow('EACCES');
});
