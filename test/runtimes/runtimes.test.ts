import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { describeRuntime } from './runtime-suite.js';

/** crun refuses a machine that has a controller in cgroup v2 beside v1: this engine is shown none, by a mount of its own. */
const NO_V2_CONTROLLERS = 'if [ -e /sys/fs/cgroup/unified/cgroup.controllers ]; then mount --bind /dev/null /sys/fs/cgroup/unified/cgroup.controllers; fi';
/** A place of the host that passes its later mounts on, which this machine has none of. */
const SHARED_MOUNT = 'mount -t tmpfs shared /mnt && mount --make-shared /mnt';
const PACKAGES = new URL('../../../test/runtimes/runtime-packages.mjs', import.meta.url).href;
const { ensureRuntimes } = (await import(PACKAGES)) as { readonly ensureRuntimes: (names: readonly string[]) => readonly string[] }; // plain JavaScript, as all set-up
const installed = ensureRuntimes(['runc', 'crun']);

let engine: TestEngine | undefined;
const running = (): TestEngine => {
  if (!engine) throw new Error('the engine does not run');
  return engine;
};

beforeAll(async () => {
  engine = await startEngine({}, `${NO_V2_CONTROLLERS} && ${SHARED_MOUNT}`);
  await engine.loadBusybox();
}, 120_000);

afterAll(async () => {
  await engine?.stop();
}, 60_000);

test('docker info lists what is installed, and Berth\'s own is the default', async () => {
  const { stdout } = await running().docker(['info', '--format', '{{json .Runtimes}} {{.DefaultRuntime}}']);
  const [runtimes = '', name] = stdout.trim().split(' ');
  expect(Object.keys(JSON.parse(runtimes) as object)).toEqual(expect.arrayContaining(['berth', ...installed]));
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

for (const runtime of ['berth', ...installed]) describeRuntime(runtime, running);
