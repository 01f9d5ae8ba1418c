import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { differences } from '../chaos/oracle/oracle.js';
import { differencesAtRest } from '../chaos/settled.js';
import { berthOf } from '../engine/berth-commands.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
});
afterAll(() => engine?.stop());

const docker = (...args: string[]) => engine.docker(args);
const berth = (...args: string[]) => berthOf(engine, args);
const volumes = async (): Promise<string[]> => (await docker('volume', 'ls', '-q')).stdout.split('\n').filter(Boolean);

test('a removed container comes back with what it wrote, its volume and its logs, and runs again', async () => {
  await docker('run', '-d', '--name', 'web', '-v', '/data', '--label', 'a=b', 'busybox', 'sh', '-c', 'test -e /root/f && cat /root/f /data/f; echo one | tee /root/f > /data/f; echo said; sleep 1000');
  await expect.poll(async () => (await docker('logs', 'web')).stdout).toBe('said\n');
  const id = (await docker('inspect', '--format', '{{.Id}}', 'web')).stdout.trim();
  const [volume = ''] = await volumes();
  expect((await docker('rm', '-f', '-v', 'web')).code).toBe(0);
  expect(await docker('ps', '-aq')).toMatchObject({ stdout: '' });
  expect(await volumes()).toEqual([]);
  expect(await docker('inspect', id)).toMatchObject({ code: 1 });
  expect((await berth('undo')).stdout).toMatch(new RegExp(`^CONTAINER ID.*\n${id.slice(0, 12)} +busybox +web `));
  expect((await berth('why', 'web')).stdout).toMatch(/it can come back until \S+ UTC \(berth undo\)/);

  expect(await berth('undo', 'web')).toMatchObject({ code: 0, stdout: 'web is back: it does not run (docker start web)\n' });
  expect((await docker('ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.Names}} {{.State}}')).stdout).toBe(`${id} web exited\n`);
  expect((await docker('inspect', '--format', '{{.State.ExitCode}} {{.Config.Labels.a}} {{(index .Mounts 0).Name}}', 'web')).stdout).toBe(`137 b ${volume}\n`);
  expect(await volumes()).toEqual([volume]);
  expect((await docker('logs', 'web')).stdout).toBe('said\n');
  expect((await berth('why', 'web')).stdout).toMatch(/^web is exited since .*: uid:\d+ .*brought it back from its removal/);
  expect(JSON.parse((await http(engine.socket, 'GET', '/berth/containers')).text)).toMatchObject([{ id, name: 'web', status: 'exited' }]);
  expect(await differencesAtRest(engine.settings)).toEqual([]);

  expect((await docker('start', 'web')).code).toBe(0);
  await expect.poll(async () => (await docker('logs', 'web')).stdout).toBe('said\none\none\nsaid\n');
  expect(await berth('undo', 'web')).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing to undo') });
  await docker('rm', '-f', '-v', 'web');
});

test('a volume of the name of one that is kept is in its way, until that is gone', async () => {
  await docker('run', '--name', 'again', '-v', '/data', 'busybox', 'sh', '-c', 'echo one > /data/f');
  const [volume = ''] = await volumes();
  await docker('rm', '-v', 'again');
  await docker('volume', 'create', volume);
  expect(await berth('undo', 'again')).toMatchObject({ code: 1, stderr: `berth: cannot restore container "again": a volume ${volume} was made since: remove it first (docker volume rm ${volume})\n` });
  expect((JSON.parse((await berth('undo', '--json')).stdout) as unknown[])[0]).toMatchObject({ name: 'again' });
  await docker('volume', 'rm', volume);
  expect(await berth('undo', 'again')).toMatchObject({ code: 0 });
  expect((await docker('run', '--rm', '--volumes-from', 'again', 'busybox', 'cat', '/data/f')).stdout).toBe('one\n');
  expect(await differencesAtRest(engine.settings)).toEqual([]);
  await docker('rm', '-v', 'again');
  await berth('undo', 'again', '--discard');
});

test('the removal that is asked for again does not take what came back since', async () => {
  await docker('run', '--name', 'once', 'busybox', 'touch', '/f');
  const remove = () => http(engine.socket, 'DELETE', '/containers/once', undefined, { 'Idempotency-Key': 'remove-once' });
  expect((await remove()).status).toBe(204);
  expect((await berth('undo', 'once')).code).toBe(0);
  expect((await remove()).status).toBe(204);
  expect(await docker('diff', 'once')).toMatchObject({ code: 0, stdout: expect.stringContaining('A /f') });
  expect(await differencesAtRest(engine.settings)).toEqual([]);
  await docker('rm', 'once');
});

test('it comes back after a restart of the engine, under another name where its own is taken', async () => {
  await docker('run', '--name', 'taken', '-v', '/data', 'busybox', 'touch', '/data/here');
  await docker('rm', '-v', 'taken');
  // What its maker could not take along, and the other left, is nobody's to take.
  await docker('run', '--name', 'maker', '-v', '/data', 'busybox', 'true');
  await docker('create', '--name', 'borrower', '--volumes-from', 'maker', 'busybox', 'true');
  const left = (await docker('inspect', '--format', '{{(index .Mounts 0).Name}}', 'maker')).stdout.trim();
  await docker('rm', '-v', 'maker');
  await docker('rm', 'borrower');
  await docker('create', '--name', 'taken', 'busybox', 'true');
  await engine.down();
  await engine.up();
  expect(await volumes()).toEqual([left]);
  expect(await berth('undo', 'borrower')).toMatchObject({ code: 0 });
  expect(await berth('undo', 'taken')).toMatchObject({ code: 1, stderr: expect.stringMatching(/the name is in use by container "[0-9a-f]{64}": restore it under another \(berth undo [0-9a-f]{12} --name NEW\)/) });
  expect(await berth('undo', 'taken', '--name', 'other')).toMatchObject({ code: 0 });
  expect((await docker('run', '--rm', '--volumes-from', 'other', 'busybox', 'ls', '/data')).stdout).toBe('here\n');
  expect(await differencesAtRest(engine.settings)).toEqual([]);
  await docker('rm', '-f', '-v', 'taken', 'other', 'borrower');
});

test('what went with its run, was pruned or discarded is gone for good, and prune frees what was kept', async () => {
  await docker('container', 'prune', '-f');
  await docker('run', '--rm', '--name', 'brief', 'busybox', 'true');
  await docker('run', '--name', 'large', 'busybox', 'sh', '-c', 'head -c 100000 /dev/zero > /root/f; sync');
  await docker('rm', 'large');
  expect(JSON.parse((await berth('undo', '--json')).stdout)).toMatchObject([{ name: 'large' }]);
  expect((await docker('system', 'df', '--format', '{{.Type}} {{.Size}} {{.Reclaimable}}')).stdout).toMatch(/Containers 10\d.*kB 10\d.*kB \(100%\)/);
  await docker('run', '--name', 'pruned', 'busybox', 'true');
  expect((await docker('container', 'prune', '-f')).stdout).toMatch(/Total reclaimed space: 10\d/);
  expect((await berth('undo', '--json')).stdout).toBe('[]\n');

  await docker('create', '--name', 'unwanted', 'busybox', 'true');
  await docker('rm', 'unwanted');
  expect(await berth('undo', 'unwanted', '--discard')).toMatchObject({ code: 0 });
  expect(await berth('undo', 'unwanted')).toMatchObject({ code: 1, stderr: 'berth: No such container: nothing is kept of "unwanted"\n' });
  expect(readdirSync(`${engine.settings.dataRoot}/kept`)).toEqual([]);
});

test('without its image it does not come back, and says what is missing', async () => {
  await docker('run', '--name', 'greeter', 'hello');
  await docker('rm', 'greeter');
  await docker('rmi', 'hello');
  expect(await berth('undo', 'greeter')).toMatchObject({ code: 1, stderr: expect.stringContaining('its image hello') });
  expect((await docker('ps', '-aq')).stdout).toBe('');
  await engine.loadBusybox();
  expect((await berth('undo', 'greeter')).code).toBe(0);
  await docker('rm', 'greeter');
});

test('when its time is over it is deleted, which is told, also where volumes are on a disk of their own', async () => {
  const brief = await startEngine({ BERTH_UNDO_SECONDS: '1' }, 'mkdir -p "$BERTH_DATA_ROOT/volumes" && mount --bind "$BERTH_DATA_ROOT/volumes" "$BERTH_DATA_ROOT/volumes"');
  try {
    await brief.loadBusybox();
    await brief.docker(['run', '--name', 'old', '-v', '/data', 'busybox', 'true']);
    await brief.docker(['rm', '-v', 'old']);
    await expect.poll(() => berthOf(brief, ['undo', '--json']), { timeout: 10_000 }).toMatchObject({ stdout: '[]\n' });
    expect((await berthOf(brief, ['history', 'old'])).stdout).toMatch(/ContainerDiscarded +service:containers .*reason=time-over/);
    await expect.poll(() => ['kept', 'volumes', 'volumes/.kept'].map((place) => readdirSync(`${brief.settings.dataRoot}/${place}`))).toEqual([[], ['.kept'], []]);
    expect(existsSync(`${brief.settings.dataRoot}/containers`)).toBe(true);
    const ours = `a mount at ${brief.settings.dataRoot}/volumes is held`;
    await expect.poll(async () => (await differences(brief.settings)).filter((difference) => !difference.startsWith(ours)), { timeout: patience(15_000) }).toEqual([]);
  } finally {
    await brief.stop();
  }
}, patience(60_000));
