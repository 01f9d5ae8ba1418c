import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { settingsEnvironment } from '../../services/engine/settings.js';
import { type CliResult, startEngine, type TestEngine } from './engine.js';

const MAIN = fileURLToPath(new URL('../../services/cli/main.js', import.meta.url));

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
});
afterAll(() => engine?.stop());

function berth(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<CliResult> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'] ?? '', ...settingsEnvironment(engine.settings), ...environment };
    execFile(process.execPath, [MAIN, ...args], { env }, (error, stdout, stderr) => {
      resolve({ stdout, stderr, code: error === null ? 0 : typeof error.code === 'number' ? error.code : 255 });
    });
  });
}

test('a container is told of from its start to after its removal', async () => {
  expect((await engine.docker(['run', '--name', 'web', 'busybox', 'sh', '-c', 'exit 7'])).code).toBe(7);
  const then = new Date().toISOString();
  expect(await berth(['why', 'web'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^web is exited since \S+ with code 7: its command ended by itself with an error; its restart policy is no\.\n$/) });
  const run = (await berth(['show', 'web', '--as', 'run'])).stdout;
  expect(run).toMatch(/^docker run -d --name web .*busybox sh -c 'exit 7'\n$/);

  expect((await engine.docker(['rm', 'web'])).code).toBe(0);
  expect(JSON.parse((await berth(['ps', '--json'])).stdout)).toEqual([]);
  expect(JSON.parse((await berth(['ps', '--json', '--at', then])).stdout)).toMatchObject([{ name: 'web', status: 'exited', exit: { exitCode: 7 } }]);
  expect((await berth(['inspect', 'web', '--at', then])).stdout).toContain('exited (7)');

  const { stdout, code } = await berth(['history', 'web', '--json']);
  expect(code).toBe(0);
  const entries = stdout.trim().split('\n').map((line) => JSON.parse(line) as { event: string; actor: string });
  const told = entries.map(({ event }) => event);
  for (const event of ['NameClaimed', 'ContainerCreated', 'TaskStarted', 'ContainerExited', 'ContainerRemoved']) expect(told).toContain(event);
  expect(entries[0]?.actor).toMatch(/^uid:0 pid:\d+$/);
});

test('the log is whole, and its events resume after a position', async () => {
  expect(await berth(['log', 'verify'])).toMatchObject({ code: 0, stdout: expect.stringContaining('the log is whole') });
  const all = (await berth(['events'])).stdout.trim().split('\n');
  const { position } = JSON.parse(all.at(-2) ?? '') as { position: number };
  const rest = (await berth(['events', '--from', String(position)])).stdout.trim().split('\n');
  expect(rest).toEqual(all.filter((line) => (JSON.parse(line) as { position: number }).position > position));
  expect(await berth(['status'])).toMatchObject({ code: 0, stdout: expect.stringContaining('nats, executor, engine') });
});

test('exit codes tell what went wrong', async () => {
  expect(await berth(['why', 'nobody'])).toMatchObject({ code: 1, stdout: '' });
  expect((await berth(['bogus'])).code).toBe(2);
  expect((await berth(['ps', '--at', 'yesterday'])).code).toBe(2);
  expect((await berth(['ps'], { BERTH_NATS_PORT: '1' })).code).toBe(3);
});
