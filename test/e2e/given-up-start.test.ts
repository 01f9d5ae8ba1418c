import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandLines, lineOfShim } from '../../services/executor/adapters/shim/command-lines.js';
import { Zygote } from '../../services/executor/adapters/shim/zygote.js';
import { encodePlan, planOf } from '../../services/executor/domain/plan/encode-plan.js';
import { defaults } from '../../services/executor/shim/testing/shim-driver.js';
import { berthOf } from '../engine/berth-commands.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

let engine: TestEngine;
beforeAll(async () => {
  // The first shim is there, and its executor is not connected to it yet; then not all can be undone.
  engine = await startEngine({ BERTH_FAILPOINTS: 'task.spawned@1=error,task.spawned@3=delay:1000,task.undone@1=error' });
  await engine.loadBusybox();
});
afterAll(() => engine?.stop());

const docker = (...args: string[]) => engine.docker(args);
const shims = (): string[] => commandLines().flatMap(([, line]) => (line.startsWith(`berth-shim\0${engine.settings.runRoot}/`) ? [line] : []));

test('a start that is given up before its shim is heard of leaves none, and may be asked for again', async () => {
  const refused = await docker('run', '--name', 'unheard', 'busybox', 'sleep', '1000');
  expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('failpoint task.spawned') });
  expect(shims()).toEqual([]);
  expect(readdirSync(`${engine.settings.runRoot}/tasks`)).toEqual([]);
  expect(await docker('start', 'unheard')).toMatchObject({ code: 0 });
  expect(await docker('exec', 'unheard', 'echo', 'inside')).toMatchObject({ stdout: 'inside\n', code: 0 });
});

test('what begins to run while the engine that asked for it is away has its address and ports on record', async () => {
  await docker('create', '--name', 'orphan', '-p', '127.0.0.1::80', 'busybox', 'sleep', '1000');
  const started = docker('start', 'orphan');
  await expect.poll(shims, { timeout: patience(10_000) }).toHaveLength(2);
  process.kill(engine.pid('engine') ?? 0, 'SIGKILL');
  await started;
  await expect.poll(() => docker('inspect', '-f', '{{.State.Status}} {{.NetworkSettings.IPAddress}}', 'orphan').then(({ stdout }) => stdout), { timeout: patience(20_000) }).toMatch(/^running \d/);
  expect((await docker('port', 'orphan')).stdout).toMatch(/^80\/tcp -> 127\.0\.0\.1:\d+\n$/);
  await docker('rm', '-f', 'orphan');
});

test('the start before, given up and not quite undone, does not end its container when the executor is started again', async () => {
  expect((await berthOf(engine, ['history', 'unheard'])).stdout).toMatch(/TaskFailed .*failpoint task.spawned/);
  const look = () => docker('inspect', '--format', '{{.Id}} {{.State.Status}} {{.State.Pid}}', 'unheard');
  const before = await look();
  await engine.down();
  mkdirSync(`${engine.settings.runRoot}/tasks/${before.stdout.split(' ')[0]}-1`);
  await engine.up();
  expect(await look()).toEqual(before);
  expect(await docker('exec', 'unheard', 'echo', 'inside')).toMatchObject({ stdout: 'inside\n', code: 0 });
  await docker('rm', '-f', 'unheard');
});

test('an executor that finds the shim of a start that is not on the log ends it', async () => {
  await engine.down();
  const taskDirectory = `${engine.settings.runRoot}/tasks/${'e'.repeat(64)}-1`;
  mkdirSync(taskDirectory);
  const zygote = new Zygote(fileURLToPath(new URL('../../native/berth-shim', import.meta.url)));
  const plan = planOf({ ...defaults, taskDirectory, logPath: `${taskDirectory}/log` }, [{ op: 'exec', actor: 'child', from: 'test', args: ['/bin/sleep', '1000'], env: [] }]);
  const pid = await zygote.spawnShim(encodePlan(plan), taskDirectory);
  zygote.close();
  await expect.poll(() => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'), { timeout: patience(5_000) }).not.toBe('');
  expect(shims()[0]).toContain(lineOfShim(taskDirectory));
  await engine.up();
  expect(shims()).toEqual([]);
  expect(existsSync(taskDirectory)).toBe(false);
});
