import { afterAll, beforeAll, expect, test } from 'vitest';
import { berthOf } from '../engine/berth-commands.js';
import { startEngine, type TestEngine } from '../engine/engine.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
});
afterAll(() => engine?.stop());

const berth = (...args: string[]) => berthOf(engine, args);
const status = async (name: string): Promise<string> => (await engine.docker(['inspect', '--format', '{{.State.Status}}', name])).stdout.trim();

test('what is protected is removed by nobody, until it is unprotected', async () => {
  await engine.docker(['run', '-d', '--name', 'dear', 'busybox', 'sleep', '1000']);
  expect(await berth('protect', 'dear')).toMatchObject({ code: 0, stdout: 'dear is protected: nobody can remove it\n' });
  expect(await berth('protect', 'dear')).toMatchObject({ code: 0, stdout: expect.stringContaining('already') });
  expect(await engine.docker(['rm', '-f', 'dear'])).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot remove container "dear": container is protected: unprotect the container before removing') });
  expect(await status('dear')).toBe('running');
  expect((await berth('ps')).stdout).toMatch(/running, protected +\S.* dear\n/);

  await engine.docker(['stop', '-t', '0', 'dear']);
  await engine.docker(['create', '--name', 'other', 'busybox', 'true']);
  await engine.docker(['container', 'prune', '--force']);
  expect((await engine.docker(['ps', '-a', '--format', '{{.Names}}'])).stdout).toBe('dear\n');

  await engine.down();
  await engine.up();
  expect((await engine.docker(['rm', 'dear'])).code).toBe(1);
  expect(JSON.parse((await berth('unprotect', 'dear', '--json')).stdout)).toMatchObject({ changed: true });
  expect((await engine.docker(['rm', 'dear'])).code).toBe(0);
  expect((await berth('history', 'dear')).stdout).toMatch(/ContainerProtected +uid:0/);
});

test('a protected container of one run stays after it, and goes when it is unprotected', async () => {
  await engine.docker(['run', '-d', '--rm', '--name', 'brief', 'busybox', 'sleep', '1000']);
  await berth('protect', 'brief');
  await engine.docker(['stop', '-t', '0', 'brief']);
  expect(await status('brief')).toBe('exited');
  await berth('unprotect', 'brief');
  await expect.poll(() => engine.docker(['inspect', 'brief']), { timeout: 5_000 }).toMatchObject({ code: 1 });
});

test('several are protected in one go, also behind one that is not there', async () => {
  for (const name of ['one', 'two']) await engine.docker(['create', '--name', name, 'busybox', 'true']);
  const told = (word: string) => `one is ${word}\ntwo is ${word}\n`;
  expect(await berth('protect', 'one', 'nobody', 'two')).toMatchObject({ code: 1, stderr: 'berth: No such container: nobody\n', stdout: told('protected: nobody can remove it') });
  expect((await engine.docker(['rm', '-f', 'two'])).code).toBe(1);
  expect(await berth('unprotect', 'one', 'two')).toMatchObject({ code: 0, stdout: told('unprotected') });
  expect((await engine.docker(['rm', 'one', 'two'])).code).toBe(0);
  expect(await berth('undo', 'one', 'two')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^one is back: .*\ntwo is back: .*\n$/) });
  expect((await berth('undo', 'one', 'two', '--name', 'three')).code).toBe(2);
  expect((await berth('revert', 'one', 'two')).code).toBe(2);
});

test('nobody is no container to protect', async () => {
  expect(await berth('protect', 'nobody')).toMatchObject({ code: 1, stderr: 'berth: No such container: nobody\n' });
  expect((await berth('protect')).code).toBe(2);
});
