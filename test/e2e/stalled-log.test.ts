import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Failpoints } from '../chaos/failpoints.js';
import { berthOf } from '../engine/berth-commands.js';
import type { TestEngine } from '../engine/engine.js';
import { type FailingEngine, startFailingEngine } from '../engine/failing-engine.js';
import { patience } from '../engine/patience.js';
import { freePort } from '../engine/private-addresses.js';

let failing: FailingEngine;
let engine: TestEngine;
let failpoints: Failpoints;
beforeAll(async () => {
  failing = await startFailingEngine({ BERTH_UNDO_SECONDS: '0' });
  ({ engine, failpoints } = failing);
}, patience(120_000));
afterAll(() => failing?.stop(), patience(60_000));

const docker = (...args: string[]) => engine.docker(args);
const shown = async (format: string, container: string): Promise<string> => (await docker('inspect', '--format', format, container)).stdout.trim();

test('a container whose rename was not acknowledged has one name, and stays over the next start of the engine', async () => {
  const id = (await docker('run', '-d', '--name', 'before', '-v', '/data', 'busybox', 'sleep', '1000')).stdout.trim();
  const volumes = (await docker('volume', 'ls', '-q')).stdout;
  // The claim, and that it is called so.
  await failpoints.order(engine, 'engine', engine.pid('engine') ?? 0, 'append.after@2=error');
  expect(await docker('rename', 'before', 'after')).toMatchObject({ code: 1, stderr: expect.stringContaining('failpoint append.after') });
  await expect.poll(() => shown('{{.Name}}', id), { timeout: patience(10_000) }).toBe('/after');
  await expect.poll(async () => (await docker('create', '--name', 'before', 'busybox', 'true')).code, { timeout: patience(10_000) }).toBe(0);
  expect(await docker('create', '--name', 'after', 'busybox', 'true')).toMatchObject({ code: 1, stderr: expect.stringContaining(`already in use by container "${id}"`) });
  await engine.down();
  await engine.up();
  expect(await shown('{{.Name}} {{.State.Status}}', id)).toBe('/after running');
  expect((await docker('volume', 'ls', '-q')).stdout).toBe(volumes);
  await docker('rm', '-f', '-v', 'before', 'after');
}, patience(90_000));

test('a container whose creation was not acknowledged is there with its name and its volume', async () => {
  // The claim, the volume, and that it is there.
  await failpoints.order(engine, 'engine', engine.pid('engine') ?? 0, 'append.after@3=error');
  expect(await docker('create', '--name', 'unheard', '-v', '/data', 'busybox', 'sleep', '1000')).toMatchObject({ code: 1, stderr: expect.stringContaining('failpoint append.after') });
  await expect.poll(() => docker('start', 'unheard'), { timeout: patience(10_000) }).toMatchObject({ stderr: '', code: 0 });
  expect(await docker('exec', 'unheard', 'touch', '/data/file')).toMatchObject({ code: 0 });
  expect(await docker('create', '--name', 'unheard', 'busybox', 'true')).toMatchObject({ code: 1, stderr: expect.stringContaining('already in use') });
  await docker('rm', '-f', '-v', 'unheard');
}, patience(60_000));

const failAppend = (nth: number) => failpoints.order(engine, 'engine', engine.pid('engine') ?? 0, `append.after@${nth}=error`);
const notAcknowledged = { code: 1, stderr: expect.stringContaining('failpoint append.after') as string };
const mountpoint = async (volume: string): Promise<string> => (await docker('volume', 'inspect', '--format', '{{.Mountpoint}}', volume)).stdout.trim();

test('an edit that was not acknowledged has its volume', async () => {
  await docker('create', '--name', 'edited', 'busybox', 'true');
  // The volume, and that it is mounted.
  await failAppend(2);
  expect(await berthOf(engine, ['edit', 'edited', '--volume', 'added:/data'])).toMatchObject({ ...notAcknowledged, code: 3 });
  expect((await docker('volume', 'ls', '-q')).stdout).toBe('added\n');
  await expect.poll(() => docker('start', '-a', 'edited'), { timeout: patience(10_000) }).toMatchObject({ code: 0, stderr: '' });
  await docker('rm', 'edited');
  await docker('volume', 'rm', 'added');
}, patience(60_000));

test('ports of an edit that was not acknowledged, and failed, are free again, and those before it are not', async () => {
  const [before, after] = [await freePort(), await freePort()];
  const taken = async (port: number): Promise<boolean> => (await docker('run', '--rm', '-p', `${port}:80`, 'busybox', 'true')).stderr.includes('port is already allocated');
  await docker('run', '-d', '--name', 'web', '-p', `${before}:80`, 'busybox', 'sleep', '1000');
  // That the edit is wanted, and its ports.
  await failAppend(2);
  expect(await berthOf(engine, ['edit', 'web', '--unpublish', '80', '--publish', `${after}:80`])).toMatchObject({ ...notAcknowledged, code: 3 });
  await expect.poll(() => taken(after), { timeout: patience(10_000) }).toBe(false);
  expect(await taken(before)).toBe(true);
  expect((await docker('port', 'web')).stdout).toBe(`80/tcp -> 0.0.0.0:${before}\n`);
  await docker('rm', '-f', 'web');
}, patience(60_000));

test('a volume whose creation or removal was not acknowledged is as the log says, with its directory', async () => {
  await failAppend(1);
  expect(await docker('volume', 'create', 'cache')).toMatchObject(notAcknowledged);
  await expect.poll(async () => existsSync(await mountpoint('cache')), { timeout: patience(10_000) }).toBe(true);
  const path = await mountpoint('cache');
  writeFileSync(`${path}/secret`, '');
  await failAppend(1);
  expect(await docker('volume', 'rm', 'cache')).toMatchObject(notAcknowledged);
  await expect.poll(() => existsSync(path), { timeout: patience(10_000) }).toBe(false);
  await docker('volume', 'create', 'cache');
  expect(readdirSync(path)).toEqual([]);
  await docker('volume', 'rm', 'cache');
}, patience(60_000));

test('a prune of which one removal fails goes on with the others and tells of them; it fails where none came to anything', async () => {
  for (const name of ['one', 'two', 'three']) await docker('volume', 'create', name);
  await failAppend(1);
  expect(await docker('volume', 'prune', '-a', '-f')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Deleted Volumes:\n\w+\n\w+\n\nTotal/) });
  await expect.poll(async () => (await docker('volume', 'ls', '-q')).stdout, { timeout: patience(10_000) }).toBe('');
  await docker('volume', 'create', 'last');
  await failAppend(1);
  expect(await docker('volume', 'prune', '-a', '-f')).toMatchObject(notAcknowledged);
  await expect.poll(async () => (await docker('volume', 'ls', '-q')).stdout, { timeout: patience(10_000) }).toBe('');
}, patience(60_000));

test('an image whose removal or addition was not acknowledged is as the log says, without layers that nobody has', async () => {
  const { dataRoot } = engine.settings;
  const tar = `${dataRoot}/saved.tar`;
  await docker('save', '-o', tar, 'busybox');
  await docker('rmi', 'hello');
  const layers = () => readdirSync(`${dataRoot}/layers`).filter((name) => !name.startsWith('.'));
  const blobs = () => readdirSync(`${dataRoot}/content/blobs/sha256`);
  await failAppend(1);
  expect(await docker('rmi', 'busybox')).toMatchObject(notAcknowledged);
  await expect.poll(() => [layers(), blobs()], { timeout: patience(10_000) }).toEqual([[], []]);
  await failAppend(1);
  expect(await docker('load', '-i', tar)).toMatchObject(notAcknowledged);
  await expect.poll(async () => (await docker('image', 'inspect', 'busybox')).code, { timeout: patience(10_000) }).toBe(0);
  expect(await docker('run', '--rm', 'busybox', 'echo', 'whole')).toMatchObject({ stdout: 'whole\n', stderr: '' });
}, patience(60_000));
