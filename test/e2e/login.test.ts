import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CertificateAuthority } from '../fixtures/certificates.js';
import { type Account, type DockerRegistry, startDockerRegistry } from '../fixtures/docker-registry.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';

const ACCOUNT: Account = { user: 'sinbad', password: 'open sesame', htpasswd: 'sinbad:$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy' };

let engine: TestEngine;
let locked: DockerRegistry;
let tokens: Server;
let tokenHost: string;
/** A registry that is behind the proxy alone: a network of documentation (RFC 5737) is nobody's. Its certificate is of the machine's own authority. */
const FAR = '192.0.2.1';
let far: Server;
let proxy: Server;
const certificates = mkdtempSync('/var/tmp/berth-certificates-');
/** Whom the proxy was asked for. */
const proxied: string[] = [];
beforeAll(async () => {
  chmodSync(certificates, 0o755);
  const authority = new CertificateAuthority(certificates, 'office');
  const { cert, key } = authority.certify('far', { commonName: FAR }, [192, 0, 2, 1]);
  far = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_request, response) => response.end('{}'));
  proxy = createServer().on('connect', ({ url = '', headers }, client) => {
    proxied.push(`${url} ${headers['proxy-authorization']}`);
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    const server = connect((far.address() as AddressInfo).port, '127.0.0.1').on('error', () => client.destroy());
    client.on('error', () => server.destroy()).pipe(server).pipe(client);
  });
  for (const server of [far, proxy]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const HTTPS_PROXY = `http://me:secret@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  [engine, locked] = await Promise.all([startEngine({ HTTPS_PROXY, http_proxy: HTTPS_PROXY, NO_PROXY: '.local', SSL_CERT_FILE: authority.cert }), startDockerRegistry(ACCOUNT)]);
  tokens = createServer((request, response) => {
    const url = new URL(request.url ?? '/', `http://${tokenHost}`);
    const answer = (status: number, body: object): void => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (url.pathname === '/token') {
      const isKnown = request.headers.authorization === `Basic ${Buffer.from('sinbad:open sesame').toString('base64')}`;
      return answer(isKnown ? 200 : 401, isKnown ? { token: 'short', ...(url.searchParams.get('offline_token') === 'true' ? { refresh_token: 'long' } : {}) } : {});
    }
    if (request.headers.authorization === 'Bearer short') return answer(200, {});
    response.setHeader('www-authenticate', `Bearer realm="http://${tokenHost}/token",service="harbour"`);
    answer(401, {});
  });
  await new Promise<void>((resolve) => tokens.listen(0, '127.0.0.1', resolve));
  tokenHost = `127.0.0.1:${(tokens.address() as AddressInfo).port}`;
}, patience(60_000));
afterAll(async () => {
  for (const server of [tokens, far, proxy]) server?.close();
  rmSync(certificates, { recursive: true });
  await locked?.stop();
  await engine?.stop();
}, patience(60_000));

const login = (password: string, host: string) => engine.docker(['login', '-u', 'sinbad', '--password-stdin', host], password);
const auth = (body: object) => http(engine.socket, 'POST', '/v1.41/auth', body);

test('docker login asks a registry that wants name and password', async () => {
  expect((await login('open sesame', locked.host)).stdout).toContain('Login Succeeded');
  const refused = await login('close sesame', locked.host);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`login attempt to http://${locked.host}/v2/ failed with status: 401 Unauthorized`);
  expect((await auth({ username: 'sinbad', password: 'close sesame', serveraddress: locked.host })).status).toBe(401);
});

test('and one that wants a token, which gives another that stands for them', async () => {
  const { status, text } = await auth({ username: 'sinbad', password: 'open sesame', serveraddress: `http://${tokenHost}/v1/` });
  expect({ status, answer: JSON.parse(text) as unknown }).toEqual({ status: 200, answer: { IdentityToken: 'long', Status: 'Login Succeeded' } });
  expect(await auth({ username: 'sinbad', password: 'close sesame', serveraddress: tokenHost })).toMatchObject({ status: 401, text: expect.stringContaining('incorrect username or password') });
});

test("one elsewhere is asked by the proxy that the engine's environment names, and believed if the machine believes it", async () => {
  expect(await auth({ username: 'sinbad', password: 'open sesame', serveraddress: FAR })).toMatchObject({ status: 200, text: expect.stringContaining('Login Succeeded') });
  expect(proxied).toEqual([`${FAR}:443 Basic ${Buffer.from('me:secret').toString('base64')}`]);
  const url = `http://xxxxx:xxxxx@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  expect((await engine.docker(['info', '--format', '{{.HTTPProxy}} {{.HTTPSProxy}} {{.NoProxy}}'])).stdout.trim()).toBe(`${url} ${url} .local`);
});

test('a registry that is away is told from one that refuses', async () => {
  expect((await auth({ username: 'a', password: 'b', serveraddress: '127.0.0.1:1' })).status).toBe(500);
});
