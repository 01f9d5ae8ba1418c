import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SocketPairs } from './testing/socket-pairs.js';
import { toToldEnd, withToldEnd } from './told-end.js';

let pairs: SocketPairs;
let sender: Socket;
let receiver: Socket;
beforeEach(async () => {
  pairs = new SocketPairs();
  const { ours, theirs } = await pairs.next();
  [receiver, sender] = [ours, theirs];
});
afterEach(() => pairs.close());

test.each([
  ['nothing', []],
  ['a byte', [Buffer.from('x')]],
  ['bytes in many small parts, and parts of none', Array.from({ length: 100 }, (_, index) => Buffer.from(index % 3 === 0 ? '' : `${index}`))],
  ['a megabyte, and a little more', [Buffer.alloc(1 << 20, 'x'), Buffer.from('y')]],
] as const)('%s comes as it was sent, and the end without an end of file', async (_what, parts) => {
  const sending = withToldEnd(sender);
  for (const part of parts) sending.write(part);
  sending.end();
  expect(await buffer(toToldEnd(receiver))).toEqual(Buffer.concat(parts));
});

test('what is cut off after a part is no end', async () => {
  withToldEnd(sender).write('half', () => sender.end());
  await expect(buffer(toToldEnd(receiver))).rejects.toMatchObject({ kind: 'unavailable' });
});

test('it does not matter where the bytes that arrive are divided', async () => {
  const bytes = Buffer.from([3, 0, 0, 0, 1, 2, 3, 1, 0, 0, 0, 4, 0, 0, 0, 0]);
  const byByte = async function* (): AsyncGenerator<Buffer> {
    for (const byte of bytes) yield Buffer.from([byte]);
  };
  expect(await buffer(toToldEnd(byByte()))).toEqual(Buffer.from([1, 2, 3, 4]));
});

test('a sender whose other end is closed hears of it', async () => {
  sender.on('error', () => undefined);
  receiver.destroy();
  const sending = withToldEnd(sender);
  const failed = new Promise((resolve) => sending.once('error', resolve));
  for (let times = 0; times < 3; times++) sending.write('x');
  expect(await failed).toBeInstanceOf(Error);
});
