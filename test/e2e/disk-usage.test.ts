import { afterAll, beforeAll, expect, test } from 'vitest';
import { imageArchive, tarOf } from '../fixtures/image-archive.js';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, patience(120_000));

afterAll(async () => {
  await engine?.stop();
}, patience(60_000));

const docker = (...args: string[]): Promise<CliResult> => engine.docker(args);
const get = async (path: string): Promise<{ readonly status: number; readonly text: string }> => http(engine.socket, 'GET', path);
const imageBytes = async (): Promise<number> => Number((await docker('image', 'inspect', '--format', '{{.Size}}', 'busybox')).stdout);
/** Three files of 100 kB, one of them with two names. */
const WRITE = 'cd /root; head -c 100000 /dev/zero > a; cp a b; cp a c; ln c d; sync';

test('what a container wrote is measured where it is asked for: ps --size and inspect --size', async () => {
  await docker('run', '--name', 'writer', 'busybox', 'sh', '-c', WRITE);
  await docker('create', '--name', 'fresh', 'busybox', 'true');
  const image = await imageBytes();
  expect((await docker('inspect', '--size', '--format', '{{.SizeRw}} {{.SizeRootFs}}', 'writer')).stdout).toBe(`300000 ${image + 300000}\n`);
  expect((await docker('inspect', '--size', '--format', '{{.SizeRw}} {{.SizeRootFs}}', 'fresh')).stdout).toBe(`0 ${image}\n`);
  expect((await docker('ps', '-a', '--size', '--filter', 'name=writer', '--format', '{{.Size}}')).stdout).toMatch(/^300kB \(virtual /);
  expect((await docker('inspect', '--format', '{{.SizeRw}}', 'writer')).stdout).toMatch(/nil|^\n/);
  await docker('rm', 'writer', 'fresh');
});

test('docker system df tells what images, containers and volumes take, and who uses them', async () => {
  await docker('container', 'prune', '--force'); // what is kept of removed containers counts too
  await docker('run', '--name', 'user', '-v', 'store:/data', 'busybox', 'sh', '-c', `${WRITE}; cp a /data`);
  const usage = JSON.parse((await get('/v1.51/system/df')).text) as { LayersSize: number; Images: Record<string, unknown>[]; Containers: Record<string, unknown>[]; Volumes: Record<string, unknown>[]; BuildCache: unknown };
  const image = await imageBytes();
  // busybox and hello are two images of one layer.
  expect(usage.LayersSize).toBe(image);
  expect(usage.Images.map(({ RepoTags, Containers, SharedSize }) => ({ RepoTags, Containers, SharedSize }))).toEqual(
    expect.arrayContaining([
      { RepoTags: ['busybox:latest'], Containers: 1, SharedSize: image },
      { RepoTags: ['hello:latest'], Containers: 0, SharedSize: image },
    ]),
  );
  expect(usage.Containers).toMatchObject([{ SizeRw: 300000, SizeRootFs: image + 300000 }]);
  expect(usage.Volumes).toMatchObject([{ Name: 'store', UsageData: { Size: 100000, RefCount: 1 } }]);
  expect(usage.BuildCache).toEqual([]);
  expect(JSON.parse((await get('/v1.51/system/df?type=volume')).text)).toMatchObject({ LayersSize: 0, Images: null, Containers: null, Volumes: [{}], BuildCache: null });
  expect(JSON.parse((await get('/v1.41/system/df?type=volume')).text)).toMatchObject({ Images: [{}, {}] }); // older clients may not choose
  expect((await docker('system', 'df', '--format', '{{.Type}} {{.TotalCount}} {{.Active}}')).stdout).toBe('Images 2 1\nContainers 1 0\nLocal Volumes 1 1\nBuild Cache 0 0\n');
  await docker('rm', '-v', 'user');
  await docker('volume', 'rm', 'store');
});

test('prune takes what nobody uses, tells what it freed, and leaves the rest', async () => {
  await docker('container', 'prune', '--force');
  await docker('run', '-d', '--name', 'runs', '-v', '/made-up', 'busybox', 'sleep', '1000');
  await docker('run', '--name', 'over', '--label', 'a=b', 'busybox', 'sh', '-c', WRITE);
  await docker('create', '--name', 'kept', '--label', 'keep', 'busybox', 'true');
  await docker('volume', 'create', 'named');
  await docker('run', '--rm', '--name', 'left', '-v', 'spare:/x', 'busybox', 'true');
  await docker('volume', 'create'); // anonymous
  await engine.docker(['load'], await imageArchive({ tag: 'app', layers: [await tarOf([{ path: 'word', body: Buffer.alloc(1000) }])] }));
  await engine.docker(['load'], await imageArchive({ tag: 'app', layers: [await tarOf([{ path: 'word', body: Buffer.alloc(2000) }])] }));

  const id = (await docker('inspect', '--format', '{{.Id}}', 'over')).stdout.trim();
  expect(await docker('container', 'prune', '--force', '--filter', 'label!=keep')).toMatchObject({ code: 0, stdout: `Deleted Containers:\n${id}\n\nTotal reclaimed space: 300kB\n` });
  expect((await docker('ps', '-a', '--format', '{{.Names}}')).stdout).toBe('kept\nruns\n');
  expect(await docker('container', 'prune', '--force', '--filter', 'until=1h')).toMatchObject({ stdout: 'Total reclaimed space: 0B\n' });

  expect((await docker('image', 'prune', '--force')).stdout).toMatch(/^Deleted Images:\ndeleted: sha256:\w+\ndeleted: sha256:\w+\n\nTotal reclaimed space: 1kB\n$/);
  expect((await docker('image', 'prune', '--force', '--all')).stdout).toMatch(/untagged: app:latest\n.*Total reclaimed space: 2kB\n$/s);
  expect((await docker('images', '--format', '{{.Repository}}')).stdout).toBe('busybox\n');

  const anonymous = (await docker('volume', 'ls', '-q', '--filter', 'label=com.docker.volume.anonymous')).stdout;
  expect(anonymous).toMatch(/^[0-9a-f]{64}\n[0-9a-f]{64}\n$/);
  expect((await docker('volume', 'inspect', '--format', '{{json .Labels}}', anonymous.slice(0, 64))).stdout).toBe('{"com.docker.volume.anonymous":""}\n');
  expect((await docker('volume', 'prune', '--force')).stdout).toMatch(/^Deleted Volumes:\n[0-9a-f]{64}\n\nTotal reclaimed space: 0B\n$/);
  expect((await docker('volume', 'ls', '--format', '{{.Name}}')).stdout.split('\n').toSorted()).toEqual(['', expect.stringMatching(/^[0-9a-f]{64}$/), 'named', 'spare']);
  expect((await docker('volume', 'prune', '--force', '--all')).stdout).toMatch(/^Deleted Volumes:\n(?:named\nspare|spare\nnamed)\n/);
  expect(await docker('network', 'prune', '--force')).toMatchObject({ code: 0, stdout: '' });
  await docker('rm', '-f', '-v', 'runs', 'kept');
}, patience(90_000));

test('what is not there, and what a node in no swarm cannot do, is told as dockerd tells it', async () => {
  expect(await docker('inspect', 'nothing')).toMatchObject({ code: 1, stdout: '[]\n', stderr: 'Error: No such object: nothing\n' });
  expect(await get('/plugins')).toEqual({ status: 200, text: '[]\n' });
  expect(await get('/plugins/parrot/json')).toEqual({ status: 404, text: '{"message":"plugin \\"parrot\\" not found"}\n' });
  for (const path of ['/swarm', '/nodes', '/services', '/tasks', '/secrets', '/configs', '/services/x']) {
    expect(await get(path)).toEqual({ status: 503, text: `${JSON.stringify({ message: 'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.' })}\n` });
  }
  expect(await docker('plugin', 'ls', '--quiet')).toMatchObject({ code: 0, stdout: '' });
  expect((await get('/images/search?term=x')).status).toBe(501);
});

test('a start that failed leaves nobody for the next one to wait for', async () => {
  await docker('run', '-d', '--name', 'holder', '-p', '127.0.0.1::80', 'busybox', 'sleep', '1000');
  const port = (await docker('port', 'holder', '80')).stdout.trim();
  expect((await docker('run', '--name', 'late', '-p', `${port}:80`, 'busybox', 'true')).stderr).toContain('port is already allocated');
  await docker('rm', '-f', 'holder');
  const start = performance.now();
  expect(await docker('start', '-a', 'late')).toMatchObject({ code: 0 });
  expect(performance.now() - start).toBeLessThan(patience(4_000)); // the shim gives a client five seconds to open its stream
  await docker('rm', 'late');
});
