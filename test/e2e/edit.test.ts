import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { berthOf } from '../engine/berth-commands.js';
import { cgroupFile } from '../engine/container-cgroup.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';
import { freePort } from '../engine/private-addresses.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, patience(120_000));
afterAll(() => engine?.stop(), patience(60_000));

const MB = 1024 * 1024;
const SERVES = ['sh', '-c', 'echo harbour > /tmp/index.html; exec httpd -f -p 80 -h /tmp'];
const docker = (...args: string[]) => engine.docker(args);
const berth = (...args: string[]) => berthOf(engine, args);
const inspect = async (name: string, format: string): Promise<string> => (await docker('inspect', '-f', format, name)).stdout.trim();
const memory = (name: string): Promise<string> => cgroupFile(engine, name, 'memory.limit_in_bytes', 'memory.max');
/** What a client of the port reads; undefined where nobody listens. */
const fetched = (port: number): Promise<string | undefined> => fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } }).then((answer) => answer.text(), () => undefined);

test('a port is published and unpublished under a running container, also of an engine that came back', async () => {
  const [first = 0, second = 0] = [await freePort(), await freePort()].toSorted(); // as docker port tells them
  await docker('run', '-d', '--name', 'web', '-p', `${first}:80`, 'busybox', ...SERVES);
  await expect.poll(() => fetched(first), { timeout: patience(5_000) }).toBe('harbour\n');
  const pid = await inspect('web', '{{.State.Pid}}');

  expect(await berth('edit', 'web', '--publish', `${second}:80`)).toEqual({ code: 0, stdout: 'web is version 2; now: ports\n', stderr: '' });
  expect([await fetched(first), await fetched(second)]).toEqual(['harbour\n', 'harbour\n']);
  expect((await docker('port', 'web')).stdout).toBe(`80/tcp -> 0.0.0.0:${first}\n80/tcp -> 0.0.0.0:${second}\n`);
  expect((await docker('ps', '--format', '{{.Ports}}')).stdout).toContain(`0.0.0.0:${second}->80/tcp`);
  // Nobody else gets it.
  expect((await docker('run', '--rm', '-p', `${second}:80`, 'busybox', 'true')).stderr).toContain('port is already allocated');

  await engine.down();
  await engine.up();
  expect(await fetched(second)).toBe('harbour\n');
  expect(await berth('edit', 'web', '--unpublish', '80')).toMatchObject({ code: 0, stdout: 'web is version 3; now: ports\n' });
  expect([await fetched(first), await fetched(second)]).toEqual([undefined, undefined]);
  expect(await inspect('web', '{{.State.Pid}}')).toBe(pid);

  expect(await berth('revert', 'web', '--to', '2')).toMatchObject({ code: 0, stdout: 'web is version 4; now: ports\n' });
  expect(await fetched(second)).toBe('harbour\n');
  await docker('restart', '-t', '0', 'web');
  await expect.poll(() => fetched(second), { timeout: patience(5_000) }).toBe('harbour\n');
  expect((await berth('history', 'web')).stdout).toMatch(/EditRequested[^]*PortsChanged[^]*ContainerEdited +uid:0/);
  await docker('rm', '-f', 'web');
}, patience(60_000));

test('a port goes from one address of the host to all of them and back; where a program has it on another address all stays as it was', async () => {
  const port = await freePort();
  await docker('run', '-d', '--name', 'moved', '-p', `127.0.0.1:${port}:80`, 'busybox', ...SERVES);
  await expect.poll(() => fetched(port), { timeout: patience(5_000) }).toBe('harbour\n');
  const to = (address: string) => berth('edit', 'moved', '--unpublish', '80', '--publish', `${address}:${port}:80`);
  const program = createServer();
  const listens = (address: string) => once(program.listen(port, address), 'listening').then(() => once(program.close(), 'close'), (error: NodeJS.ErrnoException) => error.code);
  await once(program.listen(port, '127.0.0.2'), 'listening');
  expect(await to('0.0.0.0')).toMatchObject({ code: 1, stderr: expect.stringContaining('address already in use') });
  await once(program.close(), 'close');
  expect(await fetched(port)).toBe('harbour\n');
  expect(await listens('127.0.0.1')).toBe('EADDRINUSE');
  expect(await to('0.0.0.0')).toMatchObject({ code: 0, stderr: '' });
  expect(await fetched(port)).toBe('harbour\n');
  expect(await listens('127.0.0.2')).toBe('EADDRINUSE');
  expect(await to('127.0.0.1')).toMatchObject({ code: 0, stderr: '' });
  expect(await fetched(port)).toBe('harbour\n');
  expect(await listens('127.0.0.2')).not.toBe('EADDRINUSE');
  await docker('rm', '-f', 'moved');
}, patience(30_000));

test('a port that somebody else has is refused, and all stays as it was', async () => {
  const [own, taken] = [await freePort(), await freePort()];
  expect(await docker('run', '-d', '--name', 'holder', '-p', `${taken}:80`, 'busybox', 'sleep', '1000')).toMatchObject({ code: 0, stderr: '' });
  expect(await docker('run', '-d', '--name', 'wisher', '-p', `${own}:80`, 'busybox', ...SERVES)).toMatchObject({ code: 0, stderr: '' });
  const refused = await berth('edit', 'wisher', '--publish', `${taken}:80`, '--memory', '64m');
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('port is already allocated') });
  expect(await inspect('wisher', '{{json .HostConfig.PortBindings}} {{.HostConfig.Memory}}')).toBe(`{"80/tcp":[{"HostIp":"","HostPort":"${own}"}]} 0`);
  await expect.poll(() => fetched(own), { timeout: patience(5_000) }).toBe('harbour\n');
  expect((await berth('history', 'wisher')).stdout).toMatch(/EditFailed/);
  // What failed is no version.
  expect((await berth('edit', 'wisher', '--label', 'a=b', '--memory', '64m')).stdout).toBe('wisher is version 2; now: limits, labels\n');
  expect(await memory('wisher')).toBe(String(64 * MB));
  // A kernel takes no limit away under what runs.
  expect((await berth('revert', 'wisher')).stdout).toBe('wisher is version 3; now: labels; at its next start: limits\n');
  await docker('restart', '-t', '0', 'wisher');
  expect(await memory('wisher')).not.toBe(String(64 * MB));
  await docker('rm', '-f', 'holder', 'wisher');
}, patience(30_000));

test('limits hold at once, and the environment and the command from the next start on', async () => {
  await docker('run', '-d', '--name', 'grown', '--network', 'none', '--memory', '32m', '-e', 'TIDE=low', 'busybox', 'sleep', '1000');
  const answer = await berth('edit', 'grown', '--json', '--memory', '64m', '--memory-swap', '128m', '--env', 'TIDE=high', '--env', 'WIND=east', '--label', 'tier=back', '--restart', 'always', '--', 'sleep', '2000');
  expect(JSON.parse(answer.stdout)).toMatchObject({ version: 2, live: ['limits', 'restart-policy', 'labels'], atNextStart: ['env', 'command'] });
  expect(await memory('grown')).toBe(String(64 * MB));
  expect((await docker('exec', 'grown', 'cat', '/proc/1/cmdline')).stdout).toBe('sleep\u00001000\u0000');
  expect((await docker('ps', '-q', '--filter', 'label=tier=back')).stdout).not.toBe('');
  expect((await berth('inspect', 'grown')).stdout).toMatch(/version +2, of which it gets at its next start: env, command/);

  await docker('restart', '-t', '0', 'grown');
  expect((await docker('exec', 'grown', 'sh', '-c', 'echo $TIDE $WIND; cat /proc/1/cmdline')).stdout).toBe('high east\nsleep\u00002000\u0000');
  expect(await memory('grown')).toBe(String(64 * MB));
  expect(await inspect('grown', '{{.HostConfig.RestartPolicy.Name}} {{.Config.Labels.tier}}')).toBe('always back');

  expect((await berth('revert', 'grown')).stdout).toBe('grown is version 3; now: limits, restart-policy, labels; at its next start: env, command\n');
  expect(await memory('grown')).toBe(String(32 * MB));
  await docker('restart', '-t', '0', 'grown');
  expect((await docker('exec', 'grown', 'sh', '-c', 'echo $TIDE$WIND; cat /proc/1/cmdline')).stdout).toBe('low\nsleep\u00001000\u0000');
  await docker('rm', '-f', 'grown');
}, patience(60_000));

test('mounts come and go at the next start; a volume stays where it is not mounted any more', async () => {
  await docker('run', '-d', '--name', 'moored', '--network', 'none', '-v', 'old:/old', 'busybox', 'sh', '-c', 'echo kept > /old/file; exec sleep 1000');
  expect((await berth('edit', 'moored', '--volume', 'new:/new', '--unmount', '/old')).stdout).toBe('moored is version 2; at its next start: mounts\n');
  // It is mounted there still.
  expect((await docker('volume', 'rm', 'old')).stderr).toContain('volume is in use');
  expect((await docker('volume', 'rm', 'new')).stderr).toContain('volume is in use');
  await docker('restart', '-t', '0', 'moored');
  expect((await docker('exec', 'moored', 'grep', '-c', ' /new ', '/proc/mounts')).stdout).toBe('1\n');
  expect((await docker('exec', 'moored', 'grep', '-c', ' /old ', '/proc/mounts')).stdout).toBe('0\n');
  expect((await berth('revert', 'moored', '--to', '1')).stdout).toBe('moored is version 3; at its next start: mounts\n');
  await docker('restart', '-t', '0', 'moored');
  expect((await docker('exec', 'moored', 'cat', '/old/file')).stdout).toBe('kept\n');
  await docker('rm', '-f', 'moored');
  expect((await docker('volume', 'rm', 'old', 'new')).code).toBe(0);

  await docker('run', '-d', '--name', 'own', '--network', 'none', '-v', '/data', 'busybox', 'sh', '-c', 'echo kept > /data/file; exec sleep 1000');
  expect((await berth('edit', 'own', '--unmount', '/data')).code).toBe(0);
  expect(await berth('edit', 'own', '--volume', '/more')).toMatchObject({ code: 2, stderr: expect.stringContaining('by name') });
  await docker('restart', '-t', '0', 'own');
  await docker('volume', 'prune', '-f', '-a');
  expect((await berth('revert', 'own')).code).toBe(0);
  await docker('restart', '-t', '0', 'own');
  expect((await docker('exec', 'own', 'cat', '/data/file')).stdout).toBe('kept\n');
  await docker('rm', '-f', '-v', 'own');
}, patience(60_000));

test('one that does not run gets all at its next start, undo keeps its version, and a dry run changes nothing', async () => {
  const port = await freePort();
  await docker('create', '--name', 'idle', 'busybox', ...SERVES);
  const planned = await http(engine.socket, 'POST', '/berth/containers/idle/edit?dryRun=1', { publish: { '80/tcp': [{ HostPort: String(port) }] } });
  expect(planned).toMatchObject({ status: 200, text: expect.stringContaining('ContainerEdited') });
  expect((await berth('inspect', 'idle', '--json')).stdout).toContain('"version":1');
  expect((await berth('edit', 'idle', '-p', `${port}:80`)).stdout).toBe('idle is version 2; at its next start: ports\n');
  expect((await berth('edit', 'idle', '-p', `${port}:80`)).stdout).toBe('idle is so already (version 2)\n');
  await docker('rm', 'idle');
  await berth('undo', 'idle');
  expect((await berth('edit', 'idle', '-l', 'a=b')).stdout).toBe('idle is version 3; now: labels\n');
  await docker('start', 'idle');
  await expect.poll(() => fetched(port), { timeout: patience(5_000) }).toBe('harbour\n');
  await docker('rm', '-f', 'idle');
}, patience(60_000));

test('what cannot be is told', async () => {
  await docker('run', '-d', '--name', 'plain', '--network', 'none', 'busybox', 'sleep', '1000');
  expect(await berth('edit', 'plain')).toMatchObject({ code: 2, stderr: expect.stringContaining('usage: berth edit') });
  expect(await berth('edit', 'nobody', '-l', 'a=b')).toMatchObject({ code: 1, stderr: 'berth: No such container: nobody\n' });
  expect(await berth('edit', 'plain', '-p', '80:80')).toMatchObject({ code: 1, stderr: expect.stringContaining('has no ports to publish') });
  expect(await berth('edit', 'plain', '--unmount', '/nothing')).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing is mounted at /nothing') });
  expect(await berth('edit', 'plain', '-m', 'much')).toMatchObject({ code: 2 });
  const placed = await http(engine.socket, 'POST', '/berth/containers/plain/edit', { limits: { CpusetMems: '99' } });
  expect(placed).toMatchObject({ status: 400, text: expect.stringContaining('Requested memory nodes are not available') });
  expect(await berth('revert', 'plain')).toMatchObject({ code: 1, stderr: expect.stringContaining('never edited') });
  expect(await berth('revert', 'plain', '--to', '7')).toMatchObject({ code: 1, stderr: expect.stringContaining('no version 7') });
  await docker('rm', '-f', 'plain');
});
