import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';
import { type DockerRegistry, startDockerRegistry } from '../fixtures/docker-registry.js';
import { registryImage } from '../fixtures/registry-image.js';

let engine: TestEngine;
let registry: DockerRegistry;
let docker: Docker;

beforeAll(async () => {
  [engine, registry] = await Promise.all([startEngine(), startDockerRegistry()]);
  await engine.loadBusybox();
  docker = new Docker({ socketPath: engine.socket });
}, patience(120_000));

afterEach(async () => {
  for (const { Id } of await docker.listContainers({ all: true })) await docker.getContainer(Id).remove({ force: true, v: true });
});

afterAll(async () => {
  await engine?.stop();
  await registry?.stop();
}, patience(60_000));

/** A stream of both, taken apart as dockerode's users do. */
async function apart(stream: NodeJS.ReadableStream): Promise<{ readonly out: string; readonly err: string }> {
  const [out, err] = [new PassThrough(), new PassThrough()];
  docker.modem.demuxStream(stream, out, err);
  stream.on('end', () => (out.end(), err.end()));
  const [said, complained] = await Promise.all([text(out), text(err)]);
  return { out: said, err: complained };
}

const sleeper = async (options: Docker.ContainerCreateOptions = {}): Promise<Docker.Container> => {
  const container = await docker.createContainer({ Image: 'busybox', Cmd: ['sleep', '60'], ...options });
  await container.start();
  return container;
};

test('run gives output, exit code and the container', async () => {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const [[result, container], said, complained] = await Promise.all([
    // It resolves at the container's end, and ends both at the end of the output, whichever comes first.
    (docker.run('busybox', ['sh', '-c', 'echo out; echo err >&2; exit 3'], [out, err], { Tty: false }) as Promise<[{ StatusCode: number }, Docker.Container]>).catch((error: unknown) => {
      for (const stream of [out, err]) stream.end();
      throw error;
    }),
    text(out),
    text(err),
  ]);
  expect([result.StatusCode, said, complained]).toEqual([3, 'out\n', 'err\n']);
  expect((await container.inspect()).State).toMatchObject({ Status: 'exited', ExitCode: 3 });
});

test('attach before the start takes all of the output, and hijacked input reaches the container', async () => {
  const container = await docker.createContainer({ Image: 'busybox', Cmd: ['sh', '-c', 'cat; echo done >&2'], OpenStdin: true, StdinOnce: true });
  const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
  const read = apart(stream);
  await container.start();
  stream.write('over the side\n');
  stream.end();
  expect(await read).toEqual({ out: 'over the side\n', err: 'done\n' });
  expect(await container.wait()).toMatchObject({ StatusCode: 0 });
});

test('a terminal is resized and detached from', async () => {
  const container = await docker.createContainer({ Image: 'busybox', Cmd: ['sh'], Tty: true, OpenStdin: true });
  const stream = await container.attach({ stream: true, stdin: true, stdout: true, hijack: true, detachKeys: 'ctrl-d' });
  let seen = '';
  stream.on('data', (bytes) => (seen += String(bytes)));
  await container.start();
  await container.resize({ h: 33, w: 99 });
  stream.write('stty size\n');
  await expect.poll(() => seen, { timeout: patience(5_000) }).toContain('33 99');
  stream.write('\x04');
  await once(stream, 'end');
  expect((await container.inspect()).State.Running).toBe(true);
});

test('exec: streams apart, input, exit code, and a program that is not there', async () => {
  const container = await sleeper({ Env: ['A=1'] });
  const exec = async (options: Docker.ExecCreateOptions, input?: string) => {
    const created = await container.exec({ AttachStdout: true, AttachStderr: true, ...options });
    const stream = await created.start({ hijack: true, stdin: input !== undefined });
    if (input !== undefined) stream.end(input);
    const read = await apart(stream);
    return { ...read, code: (await created.inspect()).ExitCode };
  };
  expect(await exec({ Cmd: ['sh', '-c', 'echo $A$B; echo no >&2; exit 4'], Env: ['B=2'] })).toEqual({ out: '12\n', err: 'no\n', code: 4 });
  expect(await exec({ Cmd: ['wc', '-c'], AttachStdin: true }, 'x'.repeat(200_000))).toEqual({ out: '200000\n', err: '', code: 0 });
  const missing = await exec({ Cmd: ['no-such'] });
  expect(missing.code).toBe(127);
  expect(missing.out).toMatch(/^OCI runtime exec failed: .*executable file not found in \$PATH: unknown\r\n$/);
});

test('logs: a buffer, and a stream that follows to the end', async () => {
  const container = await docker.createContainer({ Image: 'busybox', Cmd: ['sh', '-c', 'for i in 1 2 3; do echo $i; sleep 0.1; done; echo e >&2'] });
  await container.start();
  expect(await apart(await container.logs({ follow: true, stdout: true, stderr: true }))).toEqual({ out: '1\n2\n3\n', err: 'e\n' });
  const all = await container.logs({ stdout: true, stderr: false, tail: 2 });
  expect(all.subarray(8, 10).toString()).toMatch(/[23]\n/);
});

test('followProgress tells of a pull, step by step, and calls back at its end', async () => {
  const image = await registryImage('far');
  for (const blob of [image.config, ...image.layers]) await registry.putBlob('sea/far', blob);
  await registry.putManifest('sea/far', image.manifest, 'v1');
  const name = `${registry.host}/sea/far:v1`;
  const stream = await docker.pull(name);
  const steps: { status: string; id?: string }[] = [];
  const all = await new Promise<unknown[]>((resolve, reject) => docker.modem.followProgress(stream, (error, output) => (error ? reject(error) : resolve(output)), (step) => steps.push(step)));
  expect(all).toHaveLength(steps.length);
  expect(steps.map(({ status }) => status)).toEqual(expect.arrayContaining(['Pulling from sea/far', 'Pull complete', `Status: Downloaded newer image for ${name}`]));
  expect((await docker.getImage(name).inspect()).RepoTags).toEqual([name]);
  await expect(docker.pull(`${registry.host}/sea/nothing:1`)).rejects.toMatchObject({ statusCode: 404 });
  await docker.getImage(name).remove();
});

test('archives go in from a file or a stream, and come out', async () => {
  const container = await sleeper();
  const folder = mkdtempSync('/var/tmp/berth-dockerode-');
  writeFileSync(join(folder, 'chart'), 'here be dragons\n');
  const archive = join(folder, 'chart.tar');
  execFileSync('tar', ['-cf', archive, '-C', folder, 'chart']);
  await container.putArchive(archive, { path: '/tmp' });
  await container.putArchive(await buffer((await container.getArchive({ path: '/tmp/chart' })) as Readable), { path: '/root' });
  expect(execFileSync('tar', ['-xOf', '-'], { input: await buffer((await container.getArchive({ path: '/root/chart' })) as Readable) }).toString()).toBe('here be dragons\n');
  await expect(container.getArchive({ path: '/no/such' })).rejects.toMatchObject({ statusCode: 404 });
  rmSync(folder, { recursive: true });
});

test('stats and events stream until they are left', async () => {
  const events = (await docker.getEvents({ filters: { type: ['container'], event: ['start', 'die'] } })) as Readable;
  const seen: string[] = [];
  events.on('data', (line) => seen.push(...String(line).trim().split('\n').map((one) => (JSON.parse(one) as { Action: string }).Action)));
  const container = await sleeper();
  const stats = (await container.stats({ stream: true })) as Readable;
  const sample = JSON.parse(String((await once(stats, 'data'))[0])) as Docker.ContainerStats;
  expect(sample.memory_stats.usage).toBeGreaterThan(0);
  stats.destroy();
  await container.kill();
  await expect.poll(() => seen, { timeout: patience(5_000) }).toEqual(['start', 'die']);
  events.destroy();
});

test('what fails carries status code, reason and dockerd\'s message', async () => {
  await expect(docker.getContainer('nobody').inspect()).rejects.toMatchObject({ statusCode: 404, reason: 'no such container', json: { message: 'No such container: nobody' } });
  const container = await sleeper();
  await expect(container.start()).rejects.toMatchObject({ statusCode: 304, reason: 'container already started' });
  await expect(container.remove()).rejects.toMatchObject({ statusCode: 409 });
  await expect(docker.createContainer({ Image: 'nothing:1' })).rejects.toMatchObject({ statusCode: 404, json: { message: 'No such image: nothing:1' } });
});

test('a container becomes an image, whose name dockerode says twice', async () => {
  const container = await docker.createContainer({ Image: 'busybox', Cmd: ['true'] });
  const { Id } = (await container.commit({ repo: 'dry', tag: 'dock', comment: 'why', changes: ['ENV A=1'] })) as { readonly Id: string };
  expect(await docker.getImage('dry:dock').inspect()).toMatchObject({ Id, Comment: 'why', Config: { Env: expect.arrayContaining(['A=1']) as string[] } });
  await docker.getImage('dry:dock').remove();
  await container.remove();
});

test('volumes, prune and promises of many at once', async () => {
  const volume = await docker.createVolume({ Name: 'hold', Labels: { a: 'b' } });
  const ended = await Promise.all([1, 2, 3, 4, 5].map(async (number) => {
    const container = await docker.createContainer({ Image: 'busybox', Cmd: ['sh', '-c', `exit ${number}`], HostConfig: { Mounts: [{ Type: 'volume', Source: 'hold', Target: '/hold' }] } as Docker.HostConfig });
    await container.start();
    return ((await container.wait()) as { StatusCode: number }).StatusCode;
  }));
  expect(ended).toEqual([1, 2, 3, 4, 5]);
  await expect(volume.remove()).rejects.toMatchObject({ statusCode: 409 });
  expect((await docker.pruneContainers()).ContainersDeleted).toHaveLength(5);
  await volume.remove();
  expect((await docker.listVolumes()).Volumes).toEqual([]);
});
