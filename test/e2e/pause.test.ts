import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, patience(120_000));
afterAll(() => engine?.stop(), patience(60_000));

const docker = (...args: string[]) => engine.docker(args);
const state = async (name: string): Promise<string> => (await docker('inspect', '-f', '{{.State.Status}} {{.State.Running}} {{.State.Paused}}', name)).stdout.trim();
const counter = (name: string, ...options: string[]) =>
  docker('run', '-d', '--name', name, '--network', 'none', ...options, 'busybox', 'sh', '-c', 'trap "exit 7" TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done');
const lastLine = async (name: string): Promise<string> => (await docker('logs', '--tail', '1', name)).stdout;

/** Whether it prints within a while: of one that is paused, each round trip of the CLI would see it. */
async function counts(name: string): Promise<boolean> {
  const before = await lastLine(name);
  for (let round = 0; round < 5; round++) if ((await lastLine(name)) !== before) return true;
  return false;
}

test('a paused container stands still, and goes on where it was', async () => {
  await counter('still');
  expect(await docker('pause', 'still')).toMatchObject({ stdout: 'still\n', code: 0 });
  expect(await state('still')).toBe('paused true true');
  expect((await docker('ps', '--filter', 'status=paused', '--format', '{{.Names}} {{.State}} {{.Status}}')).stdout).toMatch(/^still paused Up .* \(Paused\)\n$/);
  expect(await counts('still')).toBe(false);
  expect((await docker('pause', 'still')).stderr).toMatch(/Container [0-9a-f]{64} is already paused/);
  expect((await docker('exec', 'still', 'true')).stderr).toContain('Container still is paused, unpause the container before exec');
  expect((await docker('start', 'still')).stderr).toContain('cannot start a paused container, try unpause instead');
  expect((await docker('attach', 'still')).stderr).toMatch(/paused/);
  expect((await docker('rm', 'still')).stderr).toMatch(/is paused and must be unpaused first/);
  expect((await docker('unpause', 'still')).code).toBe(0);
  expect(await state('still')).toBe('running true false');
  expect(await counts('still')).toBe(true);
  expect((await docker('unpause', 'still')).stderr).toMatch(/is not paused/);
  await docker('rm', '-f', 'still');
});

test('one that is paused in the grace of its stop, or of its kill, ends all the same', async () => {
  await docker('run', '-d', '--name', 'graced', '--network', 'none', 'busybox', 'sh', '-c', 'trap "echo heard" TERM; echo begun; while :; do sleep 0.02; done');
  await expect.poll(async () => (await docker('logs', 'graced')).stdout).toContain('begun');
  const stopped = docker('stop', '-t', '2', 'graced');
  await expect.poll(async () => (await docker('logs', 'graced')).stdout).toContain('heard');
  expect((await docker('pause', 'graced')).code).toBe(0);
  expect(await stopped).toMatchObject({ stdout: 'graced\n', code: 0 });
  expect((await docker('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'graced')).stdout).toBe('exited 137\n');
});

test('what is executed beside a pause has run where it is told so, and nothing else runs later', async () => {
  await docker('run', '-d', '--name', 'beside', '--network', 'none', 'busybox', 'sleep', '1000');
  const execs = Array.from({ length: 8 }, (_, n) => docker('exec', 'beside', 'sh', '-c', `echo ${n} >> /ran`));
  await docker('pause', 'beside');
  // Some are told at once that it is paused; those that have begun end once it goes on.
  await docker('unpause', 'beside');
  const told = (await Promise.all(execs)).flatMap(({ code }, n) => (code === 0 ? [String(n)] : []));
  expect((await docker('exec', 'beside', 'sh', '-c', 'touch /ran; sort /ran')).stdout.split('\n').filter(Boolean)).toEqual(told);
});

test('a paused container that is stopped hears its signal, one that is killed ends, and one that is removed is gone', async () => {
  await counter('stopped');
  await docker('pause', 'stopped');
  expect((await docker('stop', 'stopped')).code).toBe(0);
  expect((await docker('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'stopped')).stdout).toBe('exited 7\n');
  await docker('start', 'stopped');
  await docker('pause', 'stopped');
  expect((await docker('kill', 'stopped')).code).toBe(0);
  expect((await docker('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'stopped')).stdout).toBe('exited 137\n');
  await docker('start', 'stopped');
  await docker('pause', 'stopped');
  expect((await docker('rm', '-f', 'stopped')).code).toBe(0);
  const events = await docker('events', '--since', '1', '--until', String(Math.ceil(Date.now() / 1000)), '--filter', 'container=stopped', '--format', '{{.Action}}');
  const all = ['pause', 'unpause', 'pause', 'unpause', 'pause'];
  // One whose exit is known before it is known to be let go on was never unpaused: on v2 SIGKILL ends what is frozen, and on v1 a busy executor may hear of the end first.
  expect([all, all.toSpliced(3, 1)]).toContainEqual(events.stdout.split('\n').filter((action) => /pause/.test(action)));
});

test('a pause outlives the engine and the executor', async () => {
  await counter('patient');
  await docker('pause', 'patient');
  for (const service of ['executor', 'engine'] as const) process.kill(engine.pid(service) ?? 0, 'SIGKILL');
  await engine.down();
  await engine.up();
  expect(await state('patient')).toBe('paused true true');
  expect(await counts('patient')).toBe(false);
  expect((await docker('unpause', 'patient')).code).toBe(0);
  expect(await counts('patient')).toBe(true);
  await docker('pause', 'patient');
  await docker('rm', '-f', 'patient');
}, patience(60_000));

test('a paused container whose shim is killed is ended, and nothing of it is left', async () => {
  await counter('orphan');
  await docker('pause', 'orphan');
  const pid = Number((await docker('inspect', '-f', '{{.State.Pid}}', 'orphan')).stdout);
  process.kill(Number(/^PPid:\s(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]), 'SIGKILL');
  expect((await docker('wait', 'orphan')).stdout).toMatch(/^(255|137)\n$/);
  expect((await docker('rm', 'orphan')).code).toBe(0);
}, patience(30_000));
