import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeOver } from '#libs/messaging/take-over.js';
import { SocketPairs } from '#libs/messaging/testing/socket-pairs.js';
import { type ClientEnd, receivedFrom, sendTo } from './client-bytes.js';
import { ClientMarks } from './client-marks.js';

let pairs: SocketPairs;
let client: Socket;
/** Closed: the transfer is to end. */
let end: MessagePort;
let clientEnd: ClientEnd;
const marks = ClientMarks.fresh();
beforeEach(async () => {
  pairs = new SocketPairs();
  const { ours, theirs } = await pairs.next();
  client = theirs;
  const { port1, port2 } = new MessageChannel();
  end = port1;
  clientEnd = { fd: takeOver(ours)?.fd ?? -1, first: Buffer.from('first'), marks: marks.memory, port: port2 };
});
afterEach(() => {
  end.close();
  pairs.close();
});

test('a client that is waited for is seen to be, from elsewhere', async () => {
  const bytes = receivedFrom(clientEnd);
  expect(String((await bytes.next()).value)).toBe('first');
  expect(marks.idleMs).toBeUndefined();
  const next = bytes.next();
  await expect.poll(() => marks.idleMs).toBeGreaterThan(0);
  client.write('second');
  expect(String((await next).value)).toBe('second');
  expect(marks.idleMs).toBeUndefined();
  client.end();
  expect(await bytes.next()).toEqual({ done: true, value: undefined });
});

test('a transfer that is ended while nobody reads ends with the next read, and nothing else does', async () => {
  const bytes = receivedFrom(clientEnd);
  await bytes.next();
  end.close();
  await once(clientEnd.port, 'close');
  await delay(20); // an error that nobody heard would be out by then
  await expect(bytes.next()).rejects.toThrow('wanted no more');
});

test('one that sends ends when its client has left', async () => {
  const endless = async function* (): AsyncGenerator<Buffer, void, void> {
    for (;;) yield Buffer.alloc(1 << 16);
  };
  const sending = sendTo(clientEnd, endless());
  await once(client, 'readable');
  client.destroy();
  await expect(sending).rejects.toMatchObject({ code: 'EPIPE' });
});

/** The last of it before, at and beyond the end of what is sent ahead. */
test.each([400_000, 1 << 19, 700_000])('one that has sent all waits for its client, until that took the last of %i bytes', async (size) => {
  const whole = async function* (): AsyncGenerator<Buffer, void, void> {
    yield Buffer.alloc(size);
  };
  const sending = sendTo(clientEnd, whole());
  await expect.poll(() => marks.idleMs).toBeGreaterThan(20);
  let taken = 0;
  client.on('data', (bytes: Buffer) => (taken += bytes.length));
  await sending;
  expect(marks.idleMs).toBeUndefined();
  await expect.poll(() => taken).toBe(size);
});
