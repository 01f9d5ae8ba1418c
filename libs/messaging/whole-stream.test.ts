import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StreamServer } from './stream-server.js';
import { openWhole } from './whole-stream.js';

let directory: string;
let server: StreamServer;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-whole-'));
  server = new StreamServer(join(directory, 'streams.sock'));
  await server.listen();
});
afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

const write = (out: Writable, bytes: Buffer): Promise<void> => new Promise((resolve, reject) => void out.write(bytes, (error) => (error ? reject(error) : resolve())));
const sentAs = async (...chunks: readonly Buffer[]): Promise<Buffer> =>
  buffer(
    await openWhole(
      server.offerWhole(async (out) => {
        for (const chunk of chunks) {
          await write(out, chunk);
          await setImmediate(); // so that small ones come one by one
        }
      }),
    ),
  );

test.each([
  ['nothing', []],
  ['a byte', [Buffer.from('x')]],
  ['bytes in many small pieces', Array.from({ length: 100 }, (_, index) => Buffer.from(`${index}`))],
  ['a megabyte, and a little more', [Buffer.alloc(1 << 20, 'x'), Buffer.from('y')]],
] as const)('%s comes as it was sent', async (_what, chunks) => expect(await sentAs(...chunks)).toEqual(Buffer.concat(chunks)));

test('what fails in the middle is no end', async () => {
  const endpoint = server.offerWhole(async (out) => {
    await write(out, Buffer.from('half'));
    throw new Error('the disk is gone');
  });
  await expect(openWhole(endpoint).then(buffer)).rejects.toMatchObject({ kind: 'unavailable' });
});

test('a sender whose socket is closed for it, as that of a killed process is, did not come to the end', async () => {
  const endpoint = server.offer((socket) => void socket.write(Buffer.alloc(100, 'x'), () => socket.destroy()));
  await expect(openWhole(endpoint).then(buffer)).rejects.toMatchObject({ kind: 'unavailable' });
});

test('what was sent is there before the end is', async () => {
  const done = Promise.withResolvers<void>();
  const stream = await openWhole(server.offerWhole(async (out) => (await write(out, Buffer.from('a line')), done.promise)));
  const [chunk] = await once(stream, 'data');
  expect(String(chunk)).toBe('a line');
  done.resolve();
  await once(stream, 'end');
});

test('a sender hears of a reader that leaves, also while there is nothing to send', async () => {
  const left = Promise.withResolvers<void>();
  const endpoint = server.offerWhole((out) => new Promise((resolve) => out.once('close', () => (resolve(), left.resolve()))));
  const stream = await openWhole(endpoint);
  stream.destroy();
  await left.promise;
});
