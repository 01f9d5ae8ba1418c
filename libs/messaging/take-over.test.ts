import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { duplicate } from '#libs/linux/duplicate.js';
import { takeOver } from './take-over.js';

let top: string;
let client: Socket;
let ours: Socket;
let close: () => void;
beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'berth-take-over-'));
  const server = createServer({ allowHalfOpen: true }).listen(join(top, 'socket'));
  close = () => server.close();
  await once(server, 'listening');
  client = connect({ path: join(top, 'socket'), allowHalfOpen: true });
  [ours] = (await once(server, 'connection')) as [Socket];
});
afterEach(() => {
  client.destroy();
  ours.destroy();
  close();
  rmSync(top, { recursive: true });
});

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
