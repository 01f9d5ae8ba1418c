import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';
import { openTerminal } from '../engine/terminal.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, patience(120_000));
afterAll(() => engine?.stop(), patience(60_000));

const docker = (...args: string[]) => engine.docker(args);

test('docker run -it is a terminal of the size of the one it runs in, and exit ends it with its code', async () => {
  const terminal = openTerminal(engine, ['run', '--rm', '-it', 'busybox', 'sh']);
  await terminal.until(/# /);
  terminal.type('tty; stty size; exit 3\r');
  await terminal.until(/\/dev\/pts\/0[^]*33 77/);
  expect(await terminal.ended).toBe(3);
});

test('Ctrl-C reaches the command as SIGINT and not the CLI', async () => {
  const terminal = openTerminal(engine, ['run', '--rm', '-it', 'busybox', 'sh', '-c', 'trap "echo interrupted; exit 5" INT; echo ready; while :; do sleep 0.1; done']);
  await terminal.until(/ready/);
  terminal.type('\x03');
  await terminal.until(/interrupted/);
  expect(await terminal.ended).toBe(5);
});

test('Ctrl-P Ctrl-Q leaves the container running, and attach comes back to it', async () => {
  const first = openTerminal(engine, ['run', '-it', '--name', 'left', 'busybox', 'sh']);
  await first.until(/# /);
  first.type('MARK=kept\r');
  first.type('\x10\x11');
  expect(await first.ended).toBe(0);
  expect((await docker('inspect', '-f', '{{.State.Running}}', 'left')).stdout).toBe('true\n');
  const second = openTerminal(engine, ['attach', 'left']);
  second.type('echo back-$MARK\r');
  await second.until(/back-kept/);
  second.type('exit\r');
  expect(await second.ended).toBe(0);
  await docker('rm', 'left');
});

test('other detach keys count when they are asked for', async () => {
  const terminal = openTerminal(engine, ['run', '-it', '--name', 'keys', '--detach-keys', 'a,ctrl-b', 'busybox', 'sh']);
  await terminal.until(/# /);
  terminal.type('a\x02');
  expect(await terminal.ended).toBe(0);
  expect((await docker('rm', '-f', 'keys')).code).toBe(0);
});

test('an exec has a terminal of its own, and detaching from it leaves the container', async () => {
  await docker('run', '-d', '--name', 'host', 'busybox', 'sleep', '1000');
  const terminal = openTerminal(engine, ['exec', '-it', 'host', 'sh']);
  await terminal.until(/# /);
  terminal.type('stty size; exit 4\r');
  await terminal.until(/33 77/);
  expect(await terminal.ended).toBe(4);
  const keys = openTerminal(engine, ['exec', '-it', '--detach-keys', 'a,ctrl-b', 'host', 'sh']);
  await keys.until(/# /);
  keys.type('\x10\x11echo still $((40+2))\r');
  await keys.until(/still 42/);
  keys.type('a\x02');
  expect(await keys.ended).toBe(1); // the client takes its keys out itself, and says "read escape sequence"
  await docker('rm', '-f', 'host');
});

test('an exec that has not started is listed with its container, and who resizes it waits for its start', async () => {
  await docker('run', '-d', '--name', 'steps', '--network', 'none', 'busybox', 'sleep', '1000');
  const command = ['sh', '-c', 'until [ "$(stty size)" = "21 43" ]; do sleep 0.05; done; echo resized'];
  const { Id: id } = JSON.parse((await http(engine.socket, 'POST', '/containers/steps/exec', { Cmd: command, AttachStdout: true, Tty: true })).text) as { Id: string };
  const listed = async (): Promise<string> => (await docker('inspect', '-f', '{{json .ExecIDs}}', 'steps')).stdout;
  expect(await listed()).toBe(`["${id}"]\n`);
  const resized = http(engine.socket, 'POST', `/exec/${id}/resize?h=21&w=43`);
  const started = http(engine.socket, 'POST', `/exec/${id}/start`, { Tty: true });
  expect(await resized).toMatchObject({ status: 200 });
  expect((await started).text).toContain('resized');
  await expect.poll(listed).toBe('null\n');
  expect((await http(engine.socket, 'POST', `/exec/${id}/resize?h=21&w=43`)).status).toBe(404);
  await docker('rm', '-f', 'steps');
});

test('the end of the client\'s input is the end of the command\'s', async () => {
  expect(await engine.docker(['run', '--rm', '-i', 'busybox', 'wc', '-c'], 'x'.repeat(300_000))).toMatchObject({ stdout: '300000\n', code: 0 });
  expect(await engine.docker(['run', '--rm', 'busybox', 'wc', '-c'], 'not asked for')).toMatchObject({ stdout: '0\n', code: 0 });
});

test('docker attach shows what comes from now on, and ends with the container\'s code', async () => {
  await docker('run', '-d', '-i', '--name', 'reader', 'busybox', 'sh', '-c', 'read line; echo got $line; exit 6');
  expect(await engine.docker(['attach', 'reader'], 'words\n')).toMatchObject({ stdout: 'got words\n', code: 6 });
  await docker('rm', 'reader');
});
