import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
});
afterAll(() => engine?.stop());

test('hello says hello', async () => {
  const { stdout, stderr, code } = await engine.docker(['run', '--rm', 'hello']);
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  expect(stdout).toMatch(/^Hello from Berth: I am process 1 of container [0-9a-f]{12}/);
});

test("a command's exit code is the CLI's", async () => {
  expect((await engine.docker(['run', '--rm', 'busybox', 'sh', '-c', 'exit 7'])).code).toBe(7);
});

test('containers run on while the engine is stopped', async () => {
  const { stdout, stderr } = await engine.docker(['run', '-d', 'busybox', 'sh', '-c', 'while :; do sleep 1; done']);
  expect(stderr).toBe('');
  const id = stdout.trim();
  const pid = async (): Promise<string> => (await engine.docker(['inspect', '-f', '{{.State.Running}} {{.State.Pid}}', id])).stdout.trim();
  const before = await pid();
  expect(before).toMatch(/^true [1-9]\d*$/);
  await engine.down();
  await engine.up();
  expect(await pid()).toBe(before);
});
