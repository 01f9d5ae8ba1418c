import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';

let engine: TestEngine;
beforeAll(async () => {
  // The first start is long on its way to the log after its command has begun; not as long as a request waits.
  engine = await startEngine({ BERTH_FAILPOINTS: `task.reported@1=delay:${Math.min(patience(3_000), 20_000)}` });
  await engine.loadBusybox();
});
afterAll(() => engine?.stop());

const docker = (...args: string[]) => engine.docker(args);

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + patience(20_000); !(await holds()); await sleep(10)) if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
}

async function listening(port = 0, host = '0.0.0.0'): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => socket.destroy());
  server.listen({ port, host, exclusive: true });
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

test('who has seen a container\'s first output may execute a command in it, and end it', async () => {
  await docker('create', '--name', 'early', 'busybox', 'sh', '-c', 'echo up; exec sleep 1000');
  const start = docker('start', 'early');
  await until('it has written', async () => (await docker('logs', 'early')).stdout === 'up\n');
  expect((await docker('inspect', '--format', '{{.State.Status}}', 'early')).stdout).not.toBe('running\n');
  const [executed, withTerminal] = await Promise.all([docker('exec', 'early', 'echo', 'inside'), docker('exec', '-t', 'early', 'true')]);
  expect(executed).toEqual({ stdout: 'inside\n', stderr: '', code: 0 });
  expect(withTerminal.code).toBe(0);
  expect(await start).toMatchObject({ code: 0 });
  expect(await docker('kill', 'early')).toMatchObject({ code: 0 });
  await docker('rm', '-f', 'early');
});

test('a start survives the zygote that was to fork for it', async () => {
  const executor = engine.pid('executor');
  const zygote = Number(readFileSync(`/proc/${executor}/task/${executor}/children`, 'utf8').trim().split(' ').find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'berth-zygote\n'));
  process.kill(zygote, 'SIGSTOP');
  const run = docker('run', '--name', 'forked', 'busybox', 'echo', 'there');
  // The plan is what its pipe holds: a stopped process reads nothing.
  await until('the start has reached it', () => readdirSync(`${engine.settings.runRoot}/tasks`).length > 0);
  await sleep(patience(300));
  process.kill(zygote, 'SIGKILL');
  expect(await run).toEqual({ stdout: 'there\n', stderr: '', code: 0 });
  await docker('rm', 'forked');
});

test('a host port that a program of the host listens on is refused in dockerd\'s words, and is free afterwards', async () => {
  const { server, port } = await listening();
  const refused = await docker('run', '--name', 'late', '-p', `${port}:80`, 'busybox', 'true');
  expect(refused.code).toBe(125);
  expect(refused.stderr).toContain(`failed to set up container networking: driver failed programming external connectivity on endpoint late: failed to bind host port for 0.0.0.0:${port}:`);
  expect(refused.stderr).toContain(':80/tcp: address already in use');
  expect((await docker('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'late')).stdout).toBe('created 128\n');
  server.close();
  await once(server, 'close');
  expect(await docker('start', 'late')).toMatchObject({ code: 0 });
  await docker('rm', '-f', 'late');
});

test('a published port is nobody else\'s while its container runs, whatever becomes of the executor, and free when it has ended', async () => {
  const { server, port } = await listening();
  server.close();
  await once(server, 'close');
  await docker('run', '-d', '--name', 'holder', '-p', `${port}:80`, '-p', `127.0.0.1:${port}:53/udp`, 'busybox', 'sleep', '1000');
  await expect(listening(port)).rejects.toThrow('EADDRINUSE');
  await expect(listening(port, '127.0.0.1')).rejects.toThrow('EADDRINUSE');
  const udp = createSocket('udp4');
  udp.bind(port, '127.0.0.1');
  expect((await once(udp, 'error'))[0]).toMatchObject({ code: 'EADDRINUSE' });
  udp.close();
  const executor = engine.pid('executor') ?? 0;
  process.kill(executor, 'SIGKILL');
  await until('another executor is there', async () => ![undefined, executor].includes(engine.pid('executor')) && (await docker('exec', 'holder', 'true')).code === 0);
  await expect(listening(port)).rejects.toThrow('EADDRINUSE');
  await docker('rm', '-f', 'holder');
  const again = await listening(port);
  again.server.close();
});

test('a port that nobody named is none that the host uses', async () => {
  const first = 32768;
  const held = await Promise.all([first, first + 1].map((port) => listening(port).catch(() => undefined)));
  expect(await docker('run', '-d', '--name', 'any', '-p', '80', 'busybox', 'sleep', '1000')).toMatchObject({ code: 0 });
  expect(Number((await docker('port', 'any', '80')).stdout.split(':').at(-1))).toBeGreaterThan(first + 1);
  await docker('rm', '-f', 'any');
  for (const one of held) one?.server.close();
});

test.each(['delete', 'flush'])('rules that somebody else took away by %s are there again when the next container starts, with or without a port', async (verb) => {
  const rules = () => execFileSync('nft', ['-s', 'list', 'table', 'ip', engine.settings.nftTable], { encoding: 'utf8' });
  await docker('run', '-d', '--name', 'web', '-p', '80', 'busybox', 'sleep', '1000');
  const before = rules();
  execFileSync('nft', [verb, 'table', 'ip', engine.settings.nftTable]);
  expect(await docker('run', '--rm', 'busybox', 'true')).toMatchObject({ code: 0 });
  expect(rules()).toBe(before);
  await docker('rm', '-f', 'web');
});

test('bodies are taken as dockerd takes them: null for nothing, a text for a list, and none to start with', async () => {
  const ask = (path: string, body: object | null, headers?: Readonly<Record<string, string>>) => http(engine.socket, 'POST', path, body, headers);
  const HostConfig = { NetworkMode: null, Runtime: null, IpcMode: null, PidMode: null, UTSMode: null, CgroupnsMode: null, UsernsMode: null, Memory: null, CpuShares: null, CpuPeriod: null, CapDrop: 'ALL' };
  expect(await ask('/containers/create?name=sparse', { Image: 'busybox', Entrypoint: 'echo', Cmd: 'there', Labels: { a: null }, HostConfig })).toMatchObject({ status: 201 });
  for (const [body, headers] of [[{ HostConfig: {} }], [{}, { 'Transfer-Encoding': 'chunked' }]] as const) {
    expect(await ask('/containers/sparse/start', body, headers)).toEqual({ status: 400, text: expect.stringContaining('starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24') });
  }
  expect(await ask('/containers/sparse/start', {})).toMatchObject({ status: 204 });
  expect((await docker('wait', 'sparse')).stdout).toBe('0\n');
  expect(await ask('/containers/sparse/start', null)).toMatchObject({ status: 204 });
  expect((await docker('wait', 'sparse')).stdout).toBe('0\n');
  expect((await docker('logs', 'sparse')).stdout).toBe('there\nthere\n');
  expect((await docker('inspect', '-f', '{{json .Config.Labels}} {{.HostConfig.NetworkMode}} {{.HostConfig.CapDrop}}', 'sparse')).stdout).toBe('{"a":""} bridge [ALL]\n');
  await docker('rm', 'sparse');
});

test('the network mode is told as it was asked for, also where the endpoint is one of another network', async () => {
  const shown = async (NetworkMode: string | undefined, endpoint: string): Promise<unknown> => {
    const { text } = await http(engine.socket, 'POST', '/containers/create?name=elsewhere', { Image: 'busybox', HostConfig: { NetworkMode }, NetworkingConfig: { EndpointsConfig: { [endpoint]: {} } } });
    const { Id: id } = JSON.parse(text) as { readonly Id: string };
    const [inspected, [listed]] = await Promise.all([`/containers/${id}/json`, `/containers/json?all=1&filters=${encodeURIComponent(`{"id":["${id}"]}`)}`].map(async (path) => JSON.parse((await http(engine.socket, 'GET', path)).text) as unknown)) as [object, object[]];
    await docker('rm', 'elsewhere');
    for (const container of [inspected, listed]) expect(container).toMatchObject({ NetworkSettings: { Networks: { [endpoint]: {} } } });
    return [inspected, listed].map((container) => (container as { readonly HostConfig: { readonly NetworkMode: string } }).HostConfig.NetworkMode);
  };
  expect(await shown('none', 'bridge')).toEqual(['none', 'none']);
  expect(await shown(undefined, 'none')).toEqual(['bridge', 'bridge']);
});
