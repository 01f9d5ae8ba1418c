import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { Health } from './health.js';
import { serveTelemetry, type TelemetryAddress, type TelemetryRoute, type TelemetryServer } from './telemetry-server.js';

let server: TelemetryServer | undefined;
afterEach(() => server?.close());

async function serve(routes: Map<string, TelemetryRoute>, addresses: readonly TelemetryAddress[] = [{ port: 0 }]): Promise<string> {
  server = await serveTelemetry(addresses, routes);
  return `http://127.0.0.1:${server.port}`;
}

test('a route answers, and one that fails says so without ending the process', async () => {
  const routes = new Map<string, TelemetryRoute>([['/metrics', (query) => ({ contentType: 'text/plain', body: `up ${query.get('n')}\n` })]]);
  const base = await serve(routes);
  expect(await (await fetch(`${base}/metrics?n=1`)).text()).toBe('up 1\n');
  expect((await fetch(`${base}/other`)).status).toBe(404);
  expect((await fetch(`${base}/metrics`, { method: 'POST' })).status).toBe(405);
  routes.set('/broken', () => Promise.reject(new Error('out of order')));
  const broken = await fetch(`${base}/broken`);
  expect([broken.status, await broken.text()]).toEqual([500, 'out of order\n']);
});

test('a route learns that who asked has left', async () => {
  const begun = Promise.withResolvers<AbortSignal>();
  const base = await serve(new Map<string, TelemetryRoute>([['/long', (_query, _accept, gone) => (begun.resolve(gone), new Promise(() => undefined))]]));
  const asking = new AbortController();
  const asked = fetch(`${base}/long`, { signal: asking.signal });
  const gone = await begun.promise;
  expect(gone.aborted).toBe(false);
  const left = once(gone, 'abort');
  asking.abort();
  await expect(asked).rejects.toThrow(/abort/i);
  await left;
});

test('each service is read for itself, and all of them at once', async () => {
  const routes = new Map<string, TelemetryRoute>();
  const health = new Health(routes);
  let folded = false;
  health.add('containers', { folds: () => (folded ? undefined : 'the log is being read'), log: () => undefined });
  health.add('networks', { log: () => undefined }, { fold: () => undefined });
  const base = await serve(routes);
  const status = async (path: string) => (await fetch(base + path)).status;
  expect([await status('/healthz'), await status('/readyz'), await status('/readyz/containers'), await status('/readyz/networks')]).toEqual([200, 503, 503, 200]);
  expect(await (await fetch(`${base}/readyz`)).json()).toEqual({
    status: 'failing',
    services: { containers: { folds: 'the log is being read', log: 'ok' }, networks: { fold: 'ok', log: 'ok' } },
  });
  folded = true;
  expect(await status('/readyz')).toBe(200);
  health.add('networks', {}, {}, { settings: () => 'one does not count yet', others: () => undefined });
  expect(await status('/readyz')).toBe(200);
  expect(await (await fetch(`${base}/readyz/networks`)).json()).toEqual({ status: 'ok', services: { networks: { settings: 'ok: one does not count yet', others: 'ok' } } });
});

test('what only a restart mends fails both, and a check that throws is a failed one', async () => {
  const routes = new Map<string, TelemetryRoute>();
  new Health(routes).add('executor', {}, { zygote: () => Promise.reject(new Error('the zygote has ended')) });
  const base = await serve(routes);
  for (const path of ['/healthz', '/readyz', '/healthz/executor']) expect((await fetch(base + path)).status).toBe(503);
});

test('a unix socket is for owner and group, and is gone after the close', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'berth-telemetry-'));
  const path = join(directory, 'telemetry.sock');
  try {
    await serve(new Map([['/x', () => ({ contentType: 'text/plain', body: 'here' })]]), [{ path }]);
    expect((await stat(path)).mode & 0o777).toBe(0o660);
    const body = await new Promise<string>((resolve, reject) => request({ socketPath: path, path: '/x' }, (answer) => void text(answer).then(resolve, reject)).on('error', reject).end());
    expect(body).toBe('here');
    await server?.close();
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('a port has places for 64 connections, and one more is closed', async () => {
  const base = await serve(new Map());
  const port = Number(new URL(base).port);
  const clients = Array.from({ length: 64 }, () => connect(port, '127.0.0.1').on('error', () => undefined).resume());
  await Promise.all(clients.map((client) => once(client, 'connect')));
  await once(connect(port, '127.0.0.1').on('error', () => undefined).resume(), 'close');
  expect(clients.every(({ destroyed }) => !destroyed)).toBe(true);
});
