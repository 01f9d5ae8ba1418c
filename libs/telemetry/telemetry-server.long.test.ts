import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { patience } from '../../test/engine/patience.js';
import { serveTelemetry, type TelemetryRoute, type TelemetryServer } from './telemetry-server.js';

const ESTABLISHED = '01';

let server: TelemetryServer | undefined;
afterEach(() => server?.close());

async function serve(routes: Map<string, TelemetryRoute>): Promise<string> {
  server = await serveTelemetry([{ port: 0 }], routes);
  return `http://127.0.0.1:${server.port}`;
}

test('connections that ask nothing lose their places soon', async () => {
  const base = await serve(new Map());
  const port = Number(new URL(base).port);
  const clients = Array.from({ length: 64 }, () => connect(port, '127.0.0.1').on('error', () => undefined).resume());
  const gone = Promise.all(clients.map((client) => once(client, 'close')));
  await Promise.all(clients.map((client) => once(client, 'connect')));
  await gone;
  expect((await fetch(`${base}/none`)).status).toBe(404);
}, patience(30_000));

test('who takes nothing of its answer loses its place', async () => {
  const large = Buffer.alloc(20_000_000);
  const base = await serve(new Map([['/large', () => ({ contentType: 'text/plain', body: large })]]));
  const slow = connect(Number(new URL(base).port), '127.0.0.1').on('error', () => undefined);
  slow.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(slow, 'readable');
  /** Of the server's end, as the kernel tells it: what was under way is still there to be read, so this end hears of nothing. */
  const port = (number: number | undefined): string => `0100007F:${(number ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  const state = (): string | undefined => new RegExp(`${port(slow.remotePort)} ${port(slow.localPort)} (\\w\\w)`).exec(readFileSync('/proc/net/tcp', 'latin1'))?.[1];
  expect(state()).toBe(ESTABLISHED);
  await expect.poll(state, { timeout: patience(20_000), interval: 200 }).not.toBe(ESTABLISHED);
  slow.destroy();
}, patience(60_000));
