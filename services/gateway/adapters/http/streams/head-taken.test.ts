import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { headTaken } from './head-taken.js';

let directory: string;
let client: Socket;
let served: Socket;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'berth-head-taken-'));
  const server = createServer().listen(join(directory, 'socket'));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  client = connect(join(directory, 'socket')).pause();
  served = await accepted;
  server.close();
});
afterEach(() => {
  client.destroy();
  served.destroy();
  rmSync(directory, { recursive: true });
});

const isOver = (taken: Promise<void>): Promise<boolean> => Promise.race([taken.then(() => true), delay(50, false)]);

test('what has been written is waited for until it is read', async () => {
  served.write('HTTP/1.1 101 UPGRADED\r\n\r\n');
  const taken = headTaken(served);
  expect(await isOver(taken)).toBe(false);
  client.resume();
  await taken;
});
test('a client that reads nothing is not waited for without end', async () => {
  served.write('HTTP/1.1 101 UPGRADED\r\n\r\n');
  await headTaken(served);
});
test('a client that left is not waited for', async () => {
  served.write('HTTP/1.1 101 UPGRADED\r\n\r\n');
  served.destroy();
  expect(await isOver(headTaken(served))).toBe(true);
});
