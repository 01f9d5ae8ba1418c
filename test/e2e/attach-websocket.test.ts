import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, 120_000);
afterAll(() => engine?.stop(), 60_000);

const docker = (...args: string[]) => engine.docker(args);
const connect = (path: string): WebSocket => new WebSocket(`ws+unix://${engine.socket}:${path}`);

/** All that is told until the socket is closed, in one text, and whether it came in binary messages. */
function told(socket: WebSocket): { readonly all: Promise<string>; until(text: string): Promise<void>; binary: boolean | undefined } {
  let said = '';
  const heard = { binary: undefined as boolean | undefined, all: once(socket, 'close').then(() => said), until: async (text: string) => { while (!said.includes(text)) await once(socket, 'message'); } };
  socket.on('message', (message: Buffer, isBinary: boolean) => {
    said += message.toString();
    heard.binary = isBinary;
  });
  return heard;
}

test('what is typed reaches the container, what it says comes back without frames, and its end closes the socket', async () => {
  await docker('run', '-d', '-i', '--name', 'echoes', '--network', 'none', 'busybox', 'sh', '-c', 'read a; echo "got $a"; echo to-stderr >&2; read b; exit 3');
  const socket = connect('/v1.43/containers/echoes/attach/ws?stream=1&stdin=1&stdout=1&stderr=1');
  const heard = told(socket);
  await once(socket, 'open');
  socket.send('hello\n');
  await heard.until('to-stderr\n');
  socket.send(Buffer.from('bye\n'));
  expect(await heard.all).toBe('got hello\nto-stderr\n');
  expect(heard.binary).toBe(true);
  expect((await docker('wait', 'echoes')).stdout).toBe('3\n');
});

test('logs come first, also of a terminal, and before API 1.42 all streams', async () => {
  await docker('run', '-d', '-t', '-i', '--name', 'terminal', '--network', 'none', 'busybox', 'sh', '-c', 'echo early; read a; echo late-$a');
  while (!(await docker('logs', 'terminal')).stdout.includes('early'));
  const socket = connect('/v1.24/containers/terminal/attach/ws?logs=1&stream=1');
  const heard = told(socket);
  await once(socket, 'open');
  socket.send('x\r');
  const all = await heard.all;
  expect(all).toContain('early');
  expect(all).toContain('late-x');
  expect(heard.binary).toBe(false);
});

test('a client that goes away leaves the container running', async () => {
  await docker('run', '-d', '-i', '--name', 'stays', '--network', 'none', 'busybox', 'sh', '-c', 'while :; do sleep 0.1; done');
  const socket = connect('/v1.43/containers/stays/attach/ws?stream=1&stdout=1');
  await once(socket, 'open');
  socket.close();
  await once(socket, 'close');
  expect((await docker('inspect', '-f', '{{.State.Running}}', 'stays')).stdout).toBe('true\n');
});

test('what cannot be attached to is a plain answer', async () => {
  const socket = connect('/v1.43/containers/nobody/attach/ws?stream=1');
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number; resume(): void }];
  response.resume();
  expect(response.statusCode).toBe(404);
  socket.on('error', () => undefined).terminate();
  expect(await http(engine.socket, 'GET', '/v1.43/containers/stays/attach/ws?stream=1')).toMatchObject({ status: 400 });
});
