import { expect, test } from 'vitest';
import { describeRuntime } from './runtime-suite.js';
import { engineWithRuntimes, isInstalled, OTHERS } from './runtimes-engine.js';

const running = engineWithRuntimes();

test('docker info lists what is installed, and Berth\'s own is the default', async () => {
  const { stdout } = await running().docker(['info', '--format', '{{json .Runtimes}} {{.DefaultRuntime}}']);
  const [runtimes = '', name] = stdout.trim().split(' ');
  expect(Object.keys(JSON.parse(runtimes) as object)).toEqual(expect.arrayContaining(['berth', ...OTHERS.filter(isInstalled)]));
  expect(name).toBe('berth');
});

test('an unknown runtime is refused as dockerd refuses it', async () => {
  const run = await running().docker(['run', '--rm', '--runtime', 'kata', 'busybox', 'true']);
  expect(run).toMatchObject({ code: 125 });
  expect(run.stderr).toContain('Error response from daemon: unknown or invalid runtime name: kata');
});

test('without a word about it, inspect shows a runtime that can be asked for again', async () => {
  await running().docker(['create', '--name', 'plain', 'busybox', 'true']);
  const { stdout } = await running().docker(['inspect', '--format', '{{.HostConfig.Runtime}}', 'plain']);
  expect(await running().docker(['run', '--rm', '--runtime', stdout.trim(), 'busybox', 'echo', 'again'])).toMatchObject({ stdout: 'again\n', code: 0 });
});

describeRuntime('berth', running, 'whole');
// All of it: runtimes.long.test.ts.
for (const runtime of OTHERS) describeRuntime(runtime, running, 'plain');
