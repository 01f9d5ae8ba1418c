import { once } from 'node:events';
import { Duplex, PassThrough } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { expect, test, vi } from 'vitest';
import { watchingFor } from '../../../domain/requests/detach-keys.js';
import { splice } from './splice.js';
import { pipeReply } from './stream-reply.js';

/** Of somebody who left while the stream was being opened: its 'close' is over. */
async function clientThatLeft(): Promise<Duplex> {
  const client = new PassThrough().destroy();
  await once(client, 'close');
  return client;
}

/** Of a container that writes on and on. */
const endless = (): Duplex => new Duplex({ read() { this.push('tick\n'); }, write: (_chunk, _encoding, done) => done() });

test.each([true, false])('a stream that is opened for a client who has left is ended at once (stdin: %s)', async (stdin) => {
  const stream = endless();
  await splice(await clientThatLeft(), stream, { stdin });
  expect(stream.destroyed).toBe(true);
});

test('what was typed before the detach keys goes to a process that takes its time, and the client leaves at once', async () => {
  const taken: string[] = [];
  let take = (): void => undefined;
  const stream = new Duplex({ read: () => undefined, write: (chunk, _encoding, done) => void (take = () => (taken.push(String(chunk)), done())) });
  const client = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const over = splice(client, stream, { stdin: true, detach: watchingFor(Buffer.from('\x10\x11')) });
  client.push('ls\x10\x11');
  await over;
  expect([client.writableEnded, stream.destroyed]).toEqual([true, false]);
  take();
  await once(stream, 'close');
  expect(taken).toEqual(['ls']);
});

test('the client of a stream that has broken before hears of its end', async () => {
  const stream = endless().destroy();
  await once(stream, 'close');
  const client = new PassThrough();
  await splice(client, stream, { stdin: false });
  expect(client.writableEnded).toBe(true);
});

test('what a process printed comes whole to a slow client whose input is refused, and its end with it', async () => {
  let printed = 0;
  const stream = new Duplex({ read() { this.push(printed === 300 ? null : Buffer.alloc(1000, String(printed++ % 10))); }, write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
  let heard = 0;
  const client = new Duplex({ read() { setImmediate(() => this.push('y\n')); }, write: (chunk: Buffer, _encoding, done) => void ((heard += chunk.length), setImmediate(done)) });
  await splice(client, stream, { stdin: true });
  await once(client, 'finish');
  expect([heard, stream.destroyed]).toEqual([300_000, true]);
  client.destroy();
});

test('a client that reads nothing for long is still sent what the stream has ended with', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    let take = (): void => undefined;
    const client = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => void (take = done) });
    const stream = new PassThrough();
    stream.end('last words');
    await splice(client, stream, { stdin: false });
    vi.advanceTimersByTime(60_000);
    expect(client.destroyed).toBe(false);
    take();
    await once(client, 'finish');
    vi.advanceTimersByTime(60_000);
    expect(client.destroyed).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});

test('an answer to who has left ends its source', async () => {
  const source = endless();
  pipeReply({ raw: await clientThatLeft() } as unknown as FastifyReply, source);
  expect(source.destroyed).toBe(true);
});
