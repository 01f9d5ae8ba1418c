import { once } from 'node:events';
import { Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { duplicate } from '#libs/linux/duplicate.js';
import { giveBack, takeOver } from './take-over.js';
import { SocketPairs } from './testing/socket-pairs.js';

let pairs: SocketPairs;
let client: Socket;
let ours: Socket;
beforeEach(async () => {
  pairs = new SocketPairs();
  ({ ours, theirs: client } = await pairs.next());
});
afterEach(() => pairs.close());

test('what was read before comes with the descriptor, and what comes after is the other\'s alone', async () => {
  client.write('before');
  await once(ours, 'readable');
  const taken = takeOver(ours);
  expect(taken?.first.toString()).toBe('before');
  const other = new Socket({ fd: duplicate(taken?.fd ?? -1), allowHalfOpen: true });
  client.end('after');
  expect(Buffer.concat((await other.toArray()) as Buffer[]).toString()).toBe('after');
  expect(ours.read()).toBeNull();
  ours.end('answer');
  expect(Buffer.concat((await client.toArray()) as Buffer[]).toString()).toBe('answer');
});

test('of a socket that is closed there is nothing to take', async () => {
  ours.destroy();
  await once(ours, 'close');
  expect(takeOver(ours)).toBeUndefined();
});

test.each(['before', 'after'])('one that is given back, and flows since %s, takes what its peer still sends, and closes with it', async (when) => {
  if (when === 'before') ours.resume();
  const taken = takeOver(ours);
  const other = new Socket({ fd: duplicate(taken?.fd ?? -1), allowHalfOpen: true });
  client.write('the other\'s');
  await once(other, 'readable');
  other.destroy();
  giveBack(ours);
  if (when === 'after') ours.resume();
  ours.end('answer');
  const closed = once(ours, 'close');
  client.resume().write(Buffer.alloc(4 << 20)); // more than is under way at a time
  client.end();
  await closed;
});

test('nothing is given back to a socket that was destroyed meanwhile', async () => {
  takeOver(ours);
  ours.destroy();
  giveBack(ours);
  await once(ours, 'close');
});
