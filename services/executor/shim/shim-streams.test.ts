import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { patience } from '../../../test/engine/patience.js';
import { encodePlan, planOf } from '../domain/plan/encode-plan.js';
import { finish } from './testing/finish.js';
import { Control, ShimBench, attach, defaults, demultiplex, exec, frame, sh, text, tree, u32 } from './testing/shim-driver.js';

/** Built by the set-up that comes before every test. */
const native = join(dirname(fileURLToPath(import.meta.url)), '../../../native');
const ticket = 'a'.repeat(32);
let bench: ShimBench;

beforeAll(async () => {
  bench = await ShimBench.open(join(native, 'berth-shim'));
});
afterAll(() => bench[Symbol.asyncDispose]());

test('output waits for the ticket issued in advance, and stdin reaches the process until it is closed', async () => {
  const task = await bench.run('attached', (at) => [...tree(at), sh('echo first; cat; echo last >&2')], { openStdin: true, stdinOnce: true, tickets: [`${ticket}:ioe`] });
  await task.control.next('started');
  const streams = demultiplex(await attach(join(task.directory, 'shim.sock'), ticket, 'from the client\n'));
  expect(streams).toEqual({ 1: 'first\nfrom the client\n', 2: 'last\n' });
  await expect(attach(join(task.directory, 'shim.sock'), ticket)).rejects.toThrow('refused');
  await task.control.next('exited');
  await finish(task);
});

test('there are places for as many tickets as for streams, one too many is refused, and one that nobody comes with loses its place to another', async () => {
  const task = await bench.run('tickets', (at) => [...tree(at), sh('cat')], { openStdin: true, stdinOnce: true });
  await task.control.next('started');
  const socket = join(task.directory, 'shim.sock');
  const issued = (number: number): string => number.toString(16).padStart(32, '0');
  const caughtUp = async (): Promise<void> => {
    task.control.send(8);
    await task.control.next('pong');
  };
  const issue = async (number: number): Promise<string> => {
    task.control.send(5, text(''), text(issued(number)), text('io'));
    await caughtUp();
    return issued(number);
  };
  // At once: the first must not have lost its place when the last comes.
  for (let number = 0; number < 496; number++) task.control.send(5, text(''), text(issued(number)), text(number === 495 ? 'o' : 'io'));
  await caughtUp();
  await expect(attach(socket, await issue(496))).rejects.toThrow('refused');
  const last = connect(socket);
  last.write(frame(10, text(issued(495))));
  const [answer] = (await once(last, 'data')) as [Buffer];
  expect(answer[4]).toBe(110);
  last.destroy();
  await issue(497);
  // Each attempt is a ticket of its own: where there was a place for it, it was used.
  const attempt = async (number: number): Promise<Buffer> => attach(socket, await issue(number), 'hello\n').catch(() => attempt(number + 1));
  expect(demultiplex(await attempt(498))).toEqual({ 1: 'hello\n' });
  await task.control.next('exited');
  await finish(task);
}, patience(20_000));

// More than a pipe holds, and than the shim takes of it at once, less than a socket does; and what both have taken when it leaves.
test.each([150_000, 70_000])('%d bytes that a client sent before it left arrive, and so does its end, though it has read nothing', async (bytes) => {
  const task = await bench.run(`left-${bytes}`, (at) => [...tree(at), sh('seq 1 20000; read first; while [ ! -e /tmp/go ]; do sleep 0.05; done; cat | wc -c')], { openStdin: true, stdinOnce: true, tickets: [`${ticket}:ioe`] });
  const { pid } = await task.control.next('started');
  const client = connect(join(task.directory, 'shim.sock'));
  client.write(Buffer.concat([frame(10, text(ticket)), Buffer.from('first\n')]));
  await once(client, 'readable');
  client.pause();
  await new Promise((sent) => client.write(Buffer.alloc(bytes, 'x'), sent));
  client.destroy();
  writeFileSync(`/proc/${pid}/root/tmp/go`, '');
  expect(await task.control.next('exited')).toMatchObject({ code: 0 });
  expect((await task.log()).at(-1)?.log).toBe(`${bytes}\n`);
  await finish(task);
});

test('what a process prints reaches a client that reads late and whose input it has not read', async () => {
  const task = await bench.run('unread-input', (at) => [...tree(at), sh('while [ ! -e /tmp/go ]; do sleep 0.05; done; seq 1 5000')], { openStdin: true, stdinOnce: true, tickets: [`${ticket}:io`] });
  const { pid } = await task.control.next('started');
  const client = connect(join(task.directory, 'shim.sock'));
  client.write(frame(10, text(ticket)));
  await once(client, 'readable');
  // More than a pipe holds: some of it stays in the socket.
  await new Promise((sent) => client.write(Buffer.alloc(150_000, 'x'), sent));
  // Between the end of the pipe and that of the process the shim would throw away what comes.
  process.kill(task.pid, 'SIGSTOP');
  writeFileSync(`/proc/${pid}/root/tmp/go`, '');
  await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'utf8'), { timeout: patience(5_000), interval: 20 }).toMatch(/\) Z /);
  process.kill(task.pid, 'SIGCONT');
  expect(await task.control.next('exited')).toMatchObject({ code: 0 });
  await new Promise((resolve) => setTimeout(resolve, 100)); // the stream's end is told nobody else
  const parts: Buffer[] = [];
  for await (const part of client) parts.push(part as Buffer);
  expect(demultiplex(Buffer.concat(parts).subarray(5))[1]?.split('\n').length).toBe(5001);
  await finish(task);
});

test('clients that have left before their input was taken leave places for others', async () => {
  const task = await bench.run('unread', (at) => [...tree(at), exec('sleep', '1000')], { openStdin: true });
  await task.control.next('started');
  const path = join(task.directory, 'shim.sock');
  /** Whether there was a place. */
  const leave = async (number: number, input: Buffer): Promise<boolean> => {
    const issued = number.toString(16).padStart(32, '0');
    task.control.send(5, text(''), text(issued), text('io'));
    task.control.send(8);
    await task.control.next('pong');
    const client = connect(path);
    client.write(Buffer.concat([frame(10, text(issued)), input]));
    const [answer] = (await once(client, 'data')) as [Buffer];
    client.destroy();
    return answer[4] === 110;
  };
  // What a pipe holds, and the shim of more.
  expect(await leave(0, Buffer.alloc(150_000, 'x'))).toBe(true);
  for (let number = 1; number <= 520; number++) expect([number, await leave(number, Buffer.alloc(number % 2, 'x'))]).toEqual([number, true]);
  expect(readdirSync(`/proc/${task.pid}/fd`).length).toBeLessThan(100);
  const executor = await Control.open(path);
  await executor.next('started');
  executor.socket.destroy();
  task.control.send(2, u32(9));
  await task.control.next('exited');
  await finish(task);
}, patience(20_000));

test('an exec that somebody is to read is not run where there is no place for its reader', async () => {
  const task = await bench.run('crowd', (at) => [...tree(at), exec('sleep', '1000')]);
  await task.control.next('started');
  const readers: Socket[] = [];
  const read = async (): Promise<void> => {
    const issued = readers.length.toString(16).padStart(32, '0');
    task.control.send(5, text(''), text(issued), text('o'));
    task.control.send(8);
    await task.control.next('pong');
    const reader = connect(join(task.directory, 'shim.sock'));
    reader.write(frame(10, text(issued)));
    expect(((await once(reader, 'data')) as [Buffer])[0][4]).toBe(110);
    readers.push(reader);
  };
  // One place is the executor's, and one more is left.
  while (readers.length < 494) await read();
  const run = (name: string, tickets: readonly string[]): void => {
    const plan = encodePlan(planOf({ ...defaults, namespaces: 0, tickets }, [exec('nothing')]));
    task.control.send(4, text(name), u32(plan.length), Buffer.from(plan));
  };
  const failure = (name: string): Promise<{ readonly step: number; readonly errno: number }> => task.control.next('failed', name);
  run('one', [`${ticket}:oe`]);
  expect(await failure('one')).toMatchObject({ step: 0 });
  task.control.send(6, text('one'));
  await read();
  run('two', [`${'b'.repeat(32)}:oe`]);
  expect(await failure('two')).toMatchObject({ step: 0xfffffffa, errno: 24 });
  run('unread', []);
  expect(await failure('unread')).toMatchObject({ step: 0 });
  for (const reader of readers) reader.destroy();
  task.control.send(2, u32(9));
  await task.control.next('exited');
  await finish(task);
}, patience(20_000));

test('whoever connects and says nothing keeps out nobody for long, and the executor not at all', async () => {
  const task = await bench.run('silent', (at) => [...tree(at), exec('sleep', '1000')], { openStdin: true, socketMode: 0o666 });
  await task.control.next('started');
  const path = join(task.directory, 'shim.sock');
  for (const directory of [bench.directory, task.directory]) chmodSync(directory, 0o755);
  // Says so once it has tried as often as that (EAGAIN: the shim has not come to accept the last ones), and ends when the last of them is closed.
  const program = `const net = require('net'); let tried = 0;
    (function next() { if (tried++ === 600) process.stdout.write('all'); else net.connect(process.argv[1]).once('connect', next).on('error', ({ code }) => code === 'EAGAIN' && setImmediate(next)).resume(); })();`;
  const silent = spawn(process.execPath, ['-e', program, path], { uid: 65534, gid: 65534, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(silent.stdout, 'data');
  const open = (): Promise<Control> => Control.open(path).catch((error: NodeJS.ErrnoException) => (error.code === 'EAGAIN' ? open() : Promise.reject(error)));
  const executor = await open();
  await executor.next('started');
  executor.send(5, text(''), text(ticket), text('io'));
  await once(silent, 'exit');
  const client = connect(path);
  client.write(frame(10, text(ticket)));
  expect(((await once(client, 'data')) as [Buffer])[0][4]).toBe(110);
  client.destroy();
  executor.send(2, u32(9));
  await executor.next('exited');
  executor.socket.destroy();
  await finish(task);
}, patience(20_000));

test('two clients send at once, and nothing of either is lost', async () => {
  const others = 'b'.repeat(32);
  const task = await bench.run('two', (at) => [...tree(at), sh('while [ ! -e /tmp/go ]; do sleep 0.05; done; head -c 2000000 | wc -c')], { openStdin: true, stdinOnce: false, tickets: [`${ticket}:io`, `${others}:io`] });
  const { pid } = await task.control.next('started');
  const path = join(task.directory, 'shim.sock');
  const clients = [ticket, others].map((one) => {
    const client = connect({ path, allowHalfOpen: true }).resume();
    client.write(Buffer.concat([frame(10, text(one)), Buffer.alloc(1_000_000, 'x')]));
    return client;
  });
  writeFileSync(`/proc/${pid}/root/tmp/go`, '');
  expect(await task.control.next('exited')).toMatchObject({ code: 0 });
  expect((await task.log()).at(-1)?.log).toBe('2000000\n');
  for (const client of clients) client.destroy();
  await finish(task);
});

test('a megabyte arrives whole at a reader and in the log', async () => {
  const task = await bench.run('large', (at) => [...tree(at), sh('seq 1 150000')], { tickets: [`${ticket}:oe`] });
  const bytes = demultiplex(await attach(join(task.directory, 'shim.sock'), ticket));
  expect(bytes[1]?.split('\n').length).toBe(150001);
  await task.control.next('exited');
  expect((await task.log()).length).toBe(150000);
  await finish(task);
}, patience(20_000));
