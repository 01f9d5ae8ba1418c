import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FailingEngine, startFailingEngine } from '../engine/failing-engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';

let failing: FailingEngine;
beforeAll(async () => void (failing = await startFailingEngine()));
afterAll(() => failing?.stop());

const docker = (...args: string[]) => failing.engine.docker(args);
const volumes = async (): Promise<string[]> => (await docker('volume', 'ls', '-q')).stdout.split('\n').filter(Boolean);

/** A creation that stands before it fills the last of its volumes, a new one. */
async function whileItIsMade(args: readonly string[], lastVolume: number, then: string, use: () => Promise<void>): Promise<{ readonly code: number }> {
  const { engine, failpoints } = failing;
  const before = await volumes();
  const fill = `request.executor.fill-volume.before@${lastVolume}`;
  await failpoints.order(engine, 'engine', engine.pid('engine')!, `${fill}=delay:${patience(3_000)}${then === 'fails' ? `,${fill}=error` : ''}`);
  const creation = docker('create', '--name', 'made', ...args);
  await expect.poll(async () => (await volumes()).length, { timeout: patience(5_000) }).toBe(before.length + 1);
  let isOver = false;
  void creation.finally(() => (isOver = true));
  await use();
  expect(isOver).toBe(false);
  return await creation;
}

test.each(['named:/etc', '/etc'])('neither the image nor the volume of a container that is being made is removed (-v %s)', { timeout: patience(60_000) }, async (volume) => {
  const created = await whileItIsMade(['-v', volume, 'busybox', 'ls', '/etc'], 1, 'goes on', async () => {
    const [name = ''] = await volumes();
    const { stderr, code } = await docker('volume', 'rm', name);
    expect([code, stderr]).toEqual([1, expect.stringMatching(new RegExp(`remove ${name}: volume is in use - \\[[0-9a-f]{64}\\]`))]);
    expect((await docker('volume', 'prune', '-a', '-f')).stdout).not.toContain(name);
    expect((await docker('rmi', 'busybox')).stderr).toMatch(/conflict: unable to remove repository reference "busybox" \(must force\) - container [0-9a-f]{12} is using its referenced image/);
    expect(await volumes()).toEqual([name]);
  });
  expect(created).toMatchObject({ code: 0, stderr: '' });
  expect(await docker('start', '-a', 'made')).toMatchObject({ code: 0, stderr: '' });
  expect(await docker('rm', '-v', 'made')).toMatchObject({ code: 0 });
  if (volume.startsWith('named')) expect(await docker('volume', 'rm', 'named')).toMatchObject({ code: 0 });
  expect(await volumes()).toEqual([]);
});

test('what a container needed that came to nothing is in use no more', { timeout: patience(60_000) }, async () => {
  await docker('volume', 'create', 'mine');
  const created = await whileItIsMade(['-v', 'mine:/etc', '-v', '/usr', 'busybox'], 2, 'fails', async () => {
    expect(await docker('volume', 'rm', 'mine')).toMatchObject({ code: 1 });
  });
  expect(created).toMatchObject({ code: 1 });
  expect(await docker('volume', 'rm', 'mine')).toMatchObject({ code: 0 });
  expect(await volumes()).toEqual([]);
  expect(await docker('rmi', 'busybox')).toMatchObject({ code: 0 });
  await failing.engine.loadBusybox();
});

test('the volume that an edit mounts is not removed beside it, and is in use no more where that came to nothing', { timeout: patience(60_000) }, async () => {
  const { engine, failpoints } = failing;
  const edit = () => http(engine.socket, 'POST', '/berth/containers/made/edit', { binds: ['wanted:/etc'] });
  const fill = 'request.executor.fill-volume.before@1';
  const order = (then: string) => failpoints.order(engine, 'engine', engine.pid('engine')!, `${fill}=delay:${patience(2_000)}${then}`);
  await docker('create', '--name', 'made', 'busybox', 'ls', '/etc');
  await docker('volume', 'create', 'wanted');
  for (const [then, status] of [[`,${fill}=error`, 503], ['', 200]] as const) {
    await order(then);
    const edited = edit();
    await expect.poll(async () => (await docker('volume', 'rm', 'wanted')).code, { timeout: patience(1_500) }).toBe(1);
    expect((await edited).status).toBe(status);
    if (status !== 200) expect(await docker('volume', 'rm', 'wanted')).toMatchObject({ code: 0 });
  }
  expect(await docker('start', '-a', 'made')).toMatchObject({ code: 0 });
});

test('the volume of a container that comes back is not removed beside that', { timeout: patience(60_000) }, async () => {
  const { engine, failpoints } = failing;
  expect(await docker('rm', 'made')).toMatchObject({ code: 0 });
  await failpoints.order(engine, 'engine', engine.pid('engine')!, `request.executor.restore-container-files.before@1=delay:${patience(2_000)}`);
  const restored = http(engine.socket, 'POST', '/berth/removed/made/restore');
  await expect.poll(async () => (await http(engine.socket, 'GET', '/berth/history/made')).text).toContain('RestoreRequested');
  expect(await docker('volume', 'rm', 'wanted')).toMatchObject({ code: 1, stderr: expect.stringContaining('volume is in use') });
  expect((await restored).status).toBe(200);
  expect(await docker('start', '-a', 'made')).toMatchObject({ code: 0 });
  expect(await docker('rm', 'made')).toMatchObject({ code: 0 });
  expect(await docker('volume', 'rm', 'wanted')).toMatchObject({ code: 0 });
});

test('an engine that died over a container leaves nothing in use', { timeout: patience(60_000) }, async () => {
  const { engine, failpoints } = failing;
  await docker('volume', 'create', 'mine');
  await failpoints.order(engine, 'engine', engine.pid('engine')!, 'request.executor.fill-volume.before@1=crash');
  await docker('create', '--name', 'made', '-v', 'mine:/etc', 'busybox');
  await expect.poll(async () => (await docker('volume', 'rm', 'mine')).code, { timeout: patience(20_000) }).toBe(0);
  expect(await docker('rmi', 'busybox')).toMatchObject({ code: 0 });
});
