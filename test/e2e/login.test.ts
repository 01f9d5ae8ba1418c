import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Account, type DockerRegistry, startDockerRegistry } from '../fixtures/docker-registry.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';

const ACCOUNT: Account = { user: 'sinbad', password: 'open sesame', htpasswd: 'sinbad:$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy' };

let engine: TestEngine;
let locked: DockerRegistry;
let tokens: Server;
let tokenHost: string;
beforeAll(async () => {
  [engine, locked] = await Promise.all([startEngine(), startDockerRegistry(ACCOUNT)]);
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
  tokens?.close();
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

test('a registry that is away is told from one that refuses', async () => {
  expect((await auth({ username: 'a', password: 'b', serveraddress: '127.0.0.1:1' })).status).toBe(503);
});
