import { statSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listenAtPath } from '#libs/linux/unix-socket.js';
import { openStream } from './open-stream.js';
import { StreamServer } from './stream-server.js';

let directory: string;
let server: StreamServer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-stream-'));
  server = new StreamServer(join(directory, 'streams.sock'));
  await server.listen();
});
afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

test('bytes go both ways, and each side may end first', async () => {
  const socket = await openStream(server.offer((peer) => {
    let heard = '';
    // Not by `for await`: that destroys a socket at its end, and what was to be answered with it.
    peer.on('data', (bytes: Buffer) => (heard += bytes.toString())).on('end', () => peer.end(`you said ${heard}`));
  }));
  socket.end('hello');
  expect(await text(socket)).toBe('you said hello');
});

test('a megabyte arrives whole', async () => {
  const socket = await openStream(server.offer((peer) => void peer.end('x'.repeat(1 << 20))));
  socket.end();
  expect((await text(socket)).length).toBe(1 << 20);
});

test('bytes that come in one piece with the answer are not lost', async () => {
  const socket = await openStream(server.offer((peer) => void peer.end('at once')));
  await new Promise((resolve) => setImmediate(resolve));
  socket.end();
  expect(await text(socket)).toBe('at once');
});

test('a ticket works once', async () => {
  let served = 0;
  const endpoint = server.offer((peer) => void (served++, peer.end()));
  (await openStream(endpoint)).destroy();
  await expect(openStream(endpoint)).rejects.toMatchObject({ kind: 'unavailable' });
  expect(served).toBe(1);
});

test('two who come at once with one ticket: one is served', async () => {
  const endpoint = server.offer((peer) => void peer.end());
  const outcomes = await Promise.allSettled([openStream(endpoint), openStream(endpoint)]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  for (const outcome of outcomes) if (outcome.status === 'fulfilled') outcome.value.destroy();
});

test('an unknown ticket is refused', async () => {
  await expect(openStream({ path: server.path, ticket: '0'.repeat(32) })).rejects.toMatchObject({ kind: 'unavailable' });
});

test('where nobody listens a stream is unavailable, not a crash', async () => {
  await expect(openStream({ path: join(directory, 'nobody.sock'), ticket: '' })).rejects.toMatchObject({ kind: 'unavailable' });
});

test('what fails while serving ends the stream', async () => {
  const socket: Socket = await openStream(server.offer(() => Promise.reject(new Error('broken'))));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined).on('end', () => socket.destroy()).resume();
  await closed;
});

test('only the engine\'s user and group may knock', async () => expect((await stat(server.path)).mode & 0o777).toBe(0o660));

test('nor may anybody else before it is told that it listens', async () => {
  const path = join(directory, 'other.sock');
  const mask = process.umask(0);
  const other = createServer();
  try {
    listenAtPath(other, path, () => undefined);
    expect(statSync(path).mode & 0o777).toBe(0o660);
  } finally {
    expect(process.umask(mask)).toBe(0);
    await new Promise((done) => other.close(done));
  }
});
