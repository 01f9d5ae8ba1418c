import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lingerAfterEarlyAnswers } from './linger.js';

let folder: string;
let server: Server;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-linger-'));
  server = createServer((_request, reply) => void reply.writeHead(404, { 'content-length': '3' }).end('no\n'));
  lingerAfterEarlyAnswers(server);
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

const PLACES = { 'a unix socket': () => ({ path: join(folder, 'socket') }), TCP: () => ({ host: '127.0.0.1', port: 0 }) };

describe.each(Object.keys(PLACES) as (keyof typeof PLACES)[])('over %s', (where) => {
  async function connected(): Promise<Socket> {
    const place = PLACES[where]();
    await once(server.listen(place), 'listening');
    const client = connect('path' in place ? { path: place.path } : { ...place, port: (server.address() as AddressInfo).port });
    await once(client, 'connect');
    return client;
  }

  test('a client that reads no answer before it has written all gets it', async () => {
    const client = (await connected()).pause();
    client.write('POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 204800\r\n\r\n');
    await once(server, 'request');
    for (let part = 0; part < 20; part++) {
      await new Promise<void>((resolve, reject) => client.write(Buffer.alloc(10_240), (error) => (error ? reject(error) : resolve())));
      await new Promise((resolve) => setImmediate(resolve));
    }
    let got = '';
    client.on('data', (bytes) => (got += String(bytes))).resume();
    await once(client, 'close');
    expect(got).toMatch(/^HTTP\/1\.1 404 [^]*\r\n\r\nno\n$/);
  });

  test('a client that writes without end is told that nobody reads, by an end, and then the connection is closed', async () => {
    const client = await connected();
    const fill = (): void => {
      while (client.writable && client.write(Buffer.alloc(65_536)));
    };
    client.on('drain', fill).on('error', () => {}).write('POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1073741824\r\n\r\n');
    fill();
    let got = '';
    client.on('data', (bytes) => (got += String(bytes)));
    await once(client, 'close');
    expect(got).toMatch(/^HTTP\/1\.1 404 [^]*\r\n\r\nno\n$/);
  });

  test('a client that neither writes nor leaves is closed', async () => {
    const client = await connected();
    client.write('POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await once(client.resume(), 'close');
  });
});

test('Node\'s client, which sends 1 GB, has the answer', async () => {
  await once(server.listen(join(folder, 'socket')), 'listening');
  const outgoing = request({ socketPath: join(folder, 'socket'), method: 'POST', agent: false, headers: { 'content-length': 1 << 30 } });
  const fill = (): void => {
    while (!outgoing.destroyed && outgoing.write(Buffer.alloc(65_536)));
  };
  outgoing.on('drain', fill).on('error', () => {});
  fill();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  expect(incoming.statusCode).toBe(404);
  expect(String(await incoming.toArray())).toBe('no\n');
  outgoing.destroy();
});
