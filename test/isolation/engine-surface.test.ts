import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';

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
