import { appendFile, mkdir, mkdtemp, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MNT_DETACH, mount, umount2 } from '#libs/linux/mounts.js';
import { armFailpoints } from '#libs/failpoint/failpoint.js';
import { datagramServer } from '../../../../test/fixtures/datagram-server.js';
import { LineServer } from '../../../../test/fixtures/line-server.js';
import { compressRotated } from './compress-log.js';
import { DatagramOutlet } from './datagram-outlet.js';
import { forwardLog } from './forward-log.js';
import type { LogOutlet } from './log-outlet.js';
import { StreamOutlet, tcpStream, unixStream } from './stream-outlet.js';

let directory: string;
let path: string;
let socket: string;
const open: Disposable[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'berth-forward-'));
  path = join(directory, 'c1-json.log');
  socket = join(directory, 'syslog');
});
afterEach(async () => {
  armFailpoints(undefined);
  for (const one of open.splice(0)) one[Symbol.dispose]();
  await rm(directory, { recursive: true });
});

const record = (log: string): string => `${JSON.stringify({ log: `${log}\n`, stream: 'stdout', time: '2026-01-01T00:00:00.000000000Z' })}\n`;
const write = (...logs: string[]): Promise<void> => appendFile(path, logs.map(record).join(''));
const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => String(from + index));

/** One executor's forwarder. `end`: its container has ended; `kill`: it is told to stop where it is. */
function forward(outlet: LogOutlet = new StreamOutlet(unixStream(socket))) {
  open.push(outlet);
  const stopping = new AbortController();
  let ended = false;
  let listener = (): void => undefined;
  const troubles: unknown[] = [];
  const done = forwardLog({
    path,
    writer: { ended: () => ended, onEnd: (told) => ((listener = told), () => undefined) },
    way: () => ({ outlet, message: ({ log }) => Buffer.from(log) }),
    signal: stopping.signal,
    onTrouble: (error) => troubles.push(error),
  });
  return { troubles, done, end: () => ((ended = true), listener(), done), kill: () => (stopping.abort(), outlet[Symbol.dispose](), done) };
}
const heard = (server: { readonly lines?: string[]; readonly messages?: string[] }, count: number): Promise<void> => expect.poll(() => (server.lines ?? server.messages ?? []).length, { timeout: 10_000, interval: 5 }).toBe(count);

test('each line is sent once, in order, over rotations and what is compressed meanwhile, by however many executors', async () => {
  const server = await LineServer.listen(socket);
  await write(...numbers(0, 100));
  const first = forward();
  await heard(server, 100);
  await write(...numbers(100, 200));
  await heard(server, 200);
  await first.kill();
  await write(...numbers(200, 300));
  await rename(path, `${path}.1`);
  await write(...numbers(300, 400));
  await compressRotated(path, new AbortController().signal);
  const second = forward();
  await heard(server, 400);
  await rename(`${path}.1.gz`, `${path}.2.gz`);
  await rename(path, `${path}.1`);
  await write(...numbers(400, 500));
  await second.end();
  const third = forward();
  await third.end();
  await heard(server, 500);
  expect(server.lines).toEqual(numbers(0, 500));
  await server.close();
});

test('a receiver that goes away gets all of it when it is back, and is complained of once', async () => {
  let server = await LineServer.listen(socket);
  const before = server.lines;
  const forwarder = forward();
  await write('one');
  await heard(server, 1);
  await server.close();
  await new Promise((resolve) => setTimeout(resolve, 50)); // the other end is seen to be closed
  await write(...numbers(0, 50));
  await expect.poll(() => forwarder.troubles.length).toBe(1);
  server = await LineServer.listen(socket);
  await forwarder.end();
  await heard(server, 50);
  expect([...before, ...server.lines]).toEqual(['one', ...numbers(0, 50)]);
  expect(forwarder.troubles).toHaveLength(1);
  await server.close();
});

test('a socket of datagrams is sent each line as one, and its full queue is waited for', async () => {
  const first = await datagramServer(socket);
  const forwarder = forward(new DatagramOutlet(socket));
  await write(...numbers(0, 2_000)); // unix(7) queues 10 by default
  await heard(first, 2_000);
  expect(first.messages).toEqual(numbers(0, 2_000).map((number) => `${number}\n`));
  await first.stop();
  await write('late');
  await expect.poll(() => forwarder.troubles.length).toBe(1);
  const second = await datagramServer(socket);
  await heard(second, 1);
  await forwarder.end();
  expect(second.messages).toEqual(['late\n']);
  await second.stop();
});

test('a message that is too long for its way is left out and told, and those after it go on', async () => {
  const server = await datagramServer(socket);
  await write('x'.repeat(1 << 20), 'after');
  const forwarder = forward(new DatagramOutlet(socket));
  await heard(server, 1);
  await forwarder.end();
  expect(server.messages).toEqual(['after\n']);
  expect(forwarder.troubles).toEqual([expect.objectContaining({ message: expect.stringContaining('too long') as string })]);
  await server.stop();
});

test('what dies between sending a line and noting it sends that line again, and no other', async () => {
  const server = await LineServer.listen(socket);
  await write(...numbers(0, 10));
  armFailpoints('log.sent@5=error');
  const first = forward();
  await expect.poll(() => first.troubles.length).toBe(1);
  await first.kill();
  armFailpoints(undefined);
  await forward().end();
  await heard(server, 11);
  expect(server.lines).toEqual([...numbers(0, 5), ...numbers(4, 10)]);
  await server.close();
});

test('a receiver that takes nothing holds up nobody who tells it to stop', async () => {
  const server = await LineServer.listen(0);
  const forwarder = forward(new StreamOutlet(tcpStream('127.0.0.1', server.port)));
  await write('first');
  await heard(server, 1);
  server.pause(true);
  const long = 'x'.repeat(16_000);
  await write(...Array.from({ length: 2_000 }, () => long)); // more than the kernel's buffers
  await new Promise((resolve) => setTimeout(resolve, 100));
  await forwarder.kill();
  await server.close();
});

test('of a log that begins anew, what is not there any more is not waited for', async () => {
  const server = await LineServer.listen(socket);
  await write('one', 'two');
  await forward().end();
  await rm(path);
  await writeFile(path, record('three'));
  await forward().end();
  await heard(server, 3);
  expect(server.lines).toEqual(['one', 'two', 'three']);
  await server.close();
});

test('of a container that is gone with its folder nothing is waited for', async () => {
  await rm(directory, { recursive: true });
  const forwarder = forward();
  await forwarder.done;
  expect(forwarder.troubles).toEqual([]);
  await mkdir(directory);
});

test('on a disk that is full nothing is sent that could not be noted, and all of it once there is room', async () => {
  const narrow = join(directory, 'narrow');
  await mkdir(narrow);
  mount('tmpfs', narrow, 'tmpfs', 0, 'size=32k');
  open.push({ [Symbol.dispose]: () => umount2(narrow, MNT_DETACH) });
  path = join(narrow, 'c1-json.log');
  const server = await LineServer.listen(socket);
  await write('one', 'two');
  const filler = join(narrow, 'filler');
  await expect(writeFile(filler, Buffer.alloc(1 << 20))).rejects.toThrow('ENOSPC');
  const forwarder = forward();
  await expect.poll(() => forwarder.troubles.length, { interval: 5 }).toBeGreaterThan(1);
  expect(server.lines).toEqual([]);
  await unlink(filler);
  await forwarder.end();
  await heard(server, 2);
  expect(server.lines).toEqual(['one', 'two']);
  await server.close();
});
