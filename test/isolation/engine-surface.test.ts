import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readyFile } from '#libs/settings/run-root.js';
import { isRunning, runningProcess } from '../../services/engine/supervisor/process-file.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';
import { FalseServer } from '../fixtures/false-server.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, 120_000);
afterAll(() => engine?.stop(), 60_000);

const docker = (...args: string[]) => engine.docker(args);

async function running(...options: string[]): Promise<{ readonly id: string; readonly pid: string; readonly shim: string }> {
  const { stdout, stderr } = await docker('run', '-d', ...options, 'busybox', 'sleep', '1000');
  expect(stderr).toBe('');
  const id = stdout.trim();
  const pid = (await docker('inspect', '--format', '{{.State.Pid}}', id)).stdout.trim();
  const shim = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  return { id, pid, shim };
}

test('what a container\'s parent runs is a sealed copy in memory', async () => {
  const { id, shim } = await running();
  expect(readlinkSync(`/proc/${shim}/exe`)).toMatch(/^\/memfd:berth-shim/);
  await expect(open(`/proc/${shim}/exe`, 'r+')).rejects.toMatchObject({ code: expect.stringMatching(/^(ETXTBSY|EPERM)$/) });
  await docker('rm', '-f', id);
});

test('every socket of the engine has a path that others than its group cannot open, and none is abstract', async () => {
  const { id, shim } = await running();
  const sockets = filesBelow(engine.settings.runRoot).filter((path) => statSync(path).isSocket());
  expect(sockets.some((path) => path.endsWith('shim.sock'))).toBe(true);
  for (const path of sockets) expect([path, statSync(path).mode & 0o007]).toEqual([path, 0]);
  const names = unixSockets();
  for (const pid of [shim, ...(['executor', 'engine', 'supervisor'] as const).map((service) => String(engine.pid(service)))])
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1];
      expect(names.get(inode ?? '') ?? '').not.toMatch(/^@/);
    }
  await docker('rm', '-f', id);
});

test('a command is executed in a container that has put something else in place of /proc', async () => {
  const { id } = await running('--privileged');
  expect(await docker('exec', id, 'mount', '-t', 'tmpfs', 'tmpfs', '/proc')).toMatchObject({ code: 0 });
  expect(await docker('exec', '--user', '1234', '-w', '/tmp', id, 'sh', '-c', 'ls -A /proc | wc -l; pwd; id -u')).toEqual({ stdout: '0\n/tmp\n1234\n', stderr: '', code: 0 });
  await docker('exec', id, 'mount', '-t', 'tmpfs', 'tmpfs', '/dev/pts');
  await docker('exec', id, 'sh', '-c', 'mkfifo /dev/pts/ptmx');
  const terminal = await docker('exec', '-t', id, 'true');
  expect(terminal.code).not.toBe(0);
  await docker('rm', '-f', id);
});

test('a container that nested directories deeper than any path is removed whole', async () => {
  const script = 'cd /root; i=0; while [ $i -lt 40 ]; do mkdir $0 && cd -P $0 && i=$((i+1)) || exit 1; done';
  const made = await docker('run', '--name', 'deep', 'busybox', 'sh', '-c', script, 'd'.repeat(200));
  expect(made).toMatchObject({ code: 0 });
  const id = (await docker('inspect', '--format', '{{.Id}}', 'deep')).stdout.trim();
  expect(existsSync(join(engine.settings.dataRoot, 'containers', id, 'diff/root'))).toBe(true);
  expect(await docker('rm', 'deep')).toMatchObject({ code: 0, stderr: '' });
  await expect.poll(() => existsSync(join(engine.settings.dataRoot, 'containers', id)), { timeout: 20_000 }).toBe(false);
});

const NOBODY = 65_534;
const logOf = (name: string): string => readFileSync(join(engine.settings.dataRoot, 'logs', `${name}.log`), 'utf8');

test('another user who takes the bus\'s port while nats-server is away is told no password and gives no order; when they have left, the engine works', async () => {
  const { id } = await running();
  const nats = runningProcess(join(engine.settings.runRoot, 'pids', 'nats'));
  const supervisor = engine.pid('supervisor') ?? 0;
  process.kill(supervisor, 'SIGSTOP'); // it would be quicker
  process.kill(nats?.pid ?? 0, 'SIGKILL');
  // The dead one stays the stopped supervisor's zombie.
  await expect.poll(() => nats !== undefined && isRunning(nats), { timeout: patience(5_000) }).toBe(false);
  const stranger = await FalseServer.start(engine.settings.natsPort, NOBODY);
  try {
    process.kill(supervisor, 'SIGCONT');
    const before = stranger.greeted;
    await expect.poll(() => stranger.greeted, { timeout: patience(20_000) }).toBeGreaterThan(before + 30);
    expect(stranger.heard).toEqual([]);
    const told = new RegExp(`"level":"error".*port ${engine.settings.natsPort} of 127.0.0.1 is held by uid ${NOBODY}, not by nats-server`);
    for (const name of ['supervisor', 'executor', 'engine']) await expect.poll(() => logOf(name), { timeout: patience(20_000) }).toMatch(told);
    expect(existsSync(readyFile(engine.settings, 'nats'))).toBe(false);
  } finally {
    await stranger.stop();
  }
  const [executor, services] = [engine.pid('executor'), engine.pid('engine')];
  await expect.poll(() => docker('exec', id, 'echo', 'inside'), { timeout: patience(20_000) }).toMatchObject({ stdout: 'inside\n', code: 0 });
  expect([engine.pid('executor'), engine.pid('engine')]).toEqual([executor, services]);
  await docker('rm', '-f', id);
}, patience(90_000));

test('an engine whose port another user holds does not start, and says so', async () => {
  await engine.down();
  const stranger = await FalseServer.start(engine.settings.natsPort, NOBODY);
  await expect(engine.up()).rejects.toThrow('the supervisor exited with 1').finally(() => stranger.stop());
  expect(logOf('supervisor')).toMatch(new RegExp(`is held by uid ${NOBODY}, not by nats-server \\(uid \\d+\\): free it, or choose another with BERTH_NATS_PORT`));
  expect(stranger.heard).toEqual([]);
  await engine.up();
  expect(await docker('run', '--rm', 'busybox', 'echo', 'there')).toMatchObject({ stdout: 'there\n' });
}, patience(90_000));

function filesBelow(path: string): string[] {
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? filesBelow(join(path, entry.name)) : [join(path, entry.name)])).filter((file) => existsSync(file));
}

/** Names by inode, "@" first where they are abstract: unix(7), proc_net(5). */
function unixSockets(): ReadonlyMap<string, string> {
  const lines = readFileSync('/proc/net/unix', 'utf8').split('\n').slice(1).filter(Boolean);
  return new Map(lines.map((line) => line.trim().split(/\s+/)).map(([, , , , , , inode = '', name = '']) => [inode, name]));
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}
