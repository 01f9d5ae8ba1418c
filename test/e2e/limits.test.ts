import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detect } from '#libs/cgroup/layout.js';
import { scopeName } from '../../services/executor/adapters/host/systemd-scope.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';
import { samplesOf, scrape, valueOf } from '../metrics/scrape.js';

/** Limits, devices and cgroups as a container meets them, on whichever kind of cgroups this machine has. */
let engine: TestEngine;
const { mode } = detect();

beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, patience(120_000));
afterAll(() => engine.stop(), patience(60_000));

const docker = (...args: string[]) => engine.docker(args);
const sh = async (options: readonly string[], script: string): Promise<string> => (await docker('run', '--rm', '--network', 'none', ...options, 'busybox', 'sh', '-c', script)).stdout;

test('limits are on the cgroup that the container sees as its own', async () => {
  const files = mode === 'v2' ? ['memory.max', 'memory.swap.max', 'cpu.max', 'cpu.weight', 'pids.max'] : ['memory/memory.limit_in_bytes', 'cpu/cpu.cfs_quota_us', 'cpu/cpu.shares', 'pids/pids.max'];
  const values = await sh(['--memory', '64m', '--cpus', '0.5', '--cpu-shares', '512', '--pids-limit', '30'], `cd /sys/fs/cgroup; cat ${files.join(' ')}`);
  const bytes = 64 << 20;
  expect(values.trim().split('\n')).toEqual(mode === 'v2' ? [String(bytes), String(bytes), '50000 100000', '20', '30'] : [String(bytes), '50000', '512', '30']);
});

test('more processes than its limit allows are refused', async () => {
  const run = await docker('run', '--rm', '--network', 'none', '--pids-limit', '4', 'busybox', 'sh', '-c', 'for i in 1 2 3 4 5 6; do sleep 5 & done; kill $(jobs -p)');
  expect(run.stderr).toContain("can't fork");
});

test('a container that takes more memory than it may is killed, and that is known', async () => {
  await docker('run', '--name', 'hungry', '--network', 'none', '--memory', '16m', '--memory-swap', '16m', 'busybox', 'sh', '-c', 'exec dd if=/dev/zero of=/dev/null bs=64M');
  expect((await docker('inspect', '--format', '{{.State.OOMKilled}} {{.State.ExitCode}}', 'hungry')).stdout).toBe('true 137\n');
  await docker('rm', 'hungry');
});

test('what is killed for its memory while the container goes on is told at once, by a later executor as well, and not again at the end', async () => {
  await docker('run', '-d', '--name', 'supervisor', '--network', 'none', '--memory', '16m', '--memory-swap', '16m', 'busybox', 'sleep', '1000');
  const told = async (): Promise<string[]> => {
    const { stdout } = await docker('events', '--since', '1', '--until', String(Math.ceil(Date.now() / 1000)), '--filter', 'container=supervisor', '--filter', 'event=oom', '--filter', 'event=die', '--format', '{{.Action}}');
    return stdout.split('\n').filter((action) => action !== '');
  };
  const eat = ['exec', 'supervisor', 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M'];
  expect((await docker(...eat)).code).toBe(137);
  await expect.poll(told, { timeout: patience(5_000) }).toEqual(['oom']);
  process.kill(engine.pid('executor') ?? 0, 'SIGKILL');
  // Where its answer is lost it has been killed all the same, and once more when it is asked for again.
  await expect.poll(async () => (await docker('exec', 'supervisor', 'true')).code, { timeout: patience(20_000) }).toBe(0);
  expect((await docker(...eat)).code).toBe(137);
  await expect.poll(told, { timeout: patience(15_000) }).toEqual(['oom', 'oom']);
  const counted = async (name: string, labels: Record<string, string>): Promise<number> => valueOf(samplesOf(await scrape(engine.settings.metricsPort)), name, { name: 'supervisor', ...labels });
  await expect.poll(() => counted('berth_container_oom_kills_total', { victim: 'child' }), { timeout: patience(15_000) }).toBe(2);
  await docker('kill', 'supervisor');
  await expect.poll(told).toEqual(['oom', 'oom', 'die']);
  await expect.poll(() => counted('berth_container_last_exit_reason', { reason: 'killed_api' })).toBe(1);
  expect(await counted('berth_container_oom_kills_total', { victim: 'child' })).toBe(2);
  await expect(counted('berth_container_oom_kills_total', { victim: 'init' })).rejects.toThrow('0 samples');
  await docker('rm', 'supervisor');
}, patience(60_000));

test('its cgroup is its root, which it cannot change, and lies below the engine\'s parent', async () => {
  await docker('run', '-d', '--name', 'placed', '--network', 'none', 'busybox', 'sleep', '1000');
  const [id = '', pid = ''] = (await docker('inspect', '--format', '{{.Id}} {{.State.Pid}}', 'placed')).stdout.trim().split(' ');
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n').filter((line) => mode === 'v2' || !line.startsWith('0::'));
  for (const line of lines) expect(line.endsWith(`${engine.settings.cgroupParent}/${id}`), line).toBe(true);
  const file = mode === 'v2' ? '/sys/fs/cgroup/memory.max' : '/sys/fs/cgroup/memory/memory.limit_in_bytes';
  const inside = await docker('exec', 'placed', 'sh', '-c', `grep -c ':/$' /proc/self/cgroup; echo 1 > ${file}`);
  expect(Number(inside.stdout)).toBeGreaterThanOrEqual(lines.length);
  expect(inside.stderr).toContain('Read-only file system');
  await docker('rm', '-f', 'placed');
});

describe('devices', () => {
  /** null, which all may open; tun and a loop device, which only a privileged container may. */
  const tryAll = 'for d in "c 1 3" "c 10 200" "b 7 0"; do mknod /tmp/n $d && (head -c 0 < /tmp/n) 2>/dev/null && echo "$d: opened" || echo "$d: refused"; rm -f /tmp/n; done';

  test('a container may make any node, and opens the harmless ones alone', async () => {
    expect(await sh([], tryAll)).toBe('c 1 3: opened\nc 10 200: refused\nb 7 0: refused\n');
  });

  test('neither may what it executes later', async () => {
    await docker('run', '-d', '--name', 'later', '--network', 'none', 'busybox', 'sleep', '1000');
    expect((await docker('exec', 'later', 'sh', '-c', tryAll)).stdout).toBe('c 1 3: opened\nc 10 200: refused\nb 7 0: refused\n');
    await docker('rm', '-f', 'later');
  });

  test('a privileged one opens what there is', async () => {
    expect(await sh(['--privileged'], 'mknod /tmp/n c 10 200 && (head -c 0 < /tmp/n) && echo opened')).toBe('opened\n');
  });
});

describe.skipIf(mode !== 'v2')('on cgroup v2', () => {
  test('an exec gets into a container that hands its controllers down', async () => {
    // What an engine or an init in a privileged container does first: its root cgroup lets no process in from then on.
    const setUp = 'mkdir /sys/fs/cgroup/init && echo 1 > /sys/fs/cgroup/init/cgroup.procs && echo +memory > /sys/fs/cgroup/cgroup.subtree_control && echo ready && exec sleep 1000';
    await docker('run', '-d', '--name', 'nested', '--privileged', '--network', 'none', 'busybox', 'sh', '-c', setUp);
    const deadline = Date.now() + patience(20_000);
    while ((await docker('logs', 'nested')).stdout !== 'ready\n') if (Date.now() > deadline) throw new Error((await docker('logs', 'nested')).stderr);
    expect(await docker('exec', 'nested', 'cat', '/proc/self/cgroup')).toMatchObject({ stdout: '0::/init\n', code: 0 });
    await docker('rm', '-f', 'nested');
  });

  test.skipIf(!existsSync('/run/systemd/system'))('systemd has delegated a scope to the engine, in which containers stay when the executor is killed', async () => {
    await docker('run', '-d', '--name', 'scoped', '--network', 'none', 'busybox', 'sleep', '1000');
    const unit = scopeName(engine.settings.cgroupParent);
    const shown = execFileSync('systemctl', ['show', '--property', 'Delegate,ActiveState,TasksMax', unit], { encoding: 'utf8' });
    expect(shown.trim().split('\n').sort()).toEqual(['ActiveState=active', 'Delegate=yes', 'TasksMax=infinity']);
    const cgroup = async (): Promise<string> => readFileSync(`/proc/${(await docker('inspect', '--format', '{{.State.Pid}}', 'scoped')).stdout.trim()}/cgroup`, 'utf8').trim();
    const before = await cgroup();
    expect(before.startsWith(`0::/system.slice/${unit}${engine.settings.cgroupParent}/`)).toBe(true);
    const executor = engine.pid('executor');
    if (executor === undefined) throw new Error('the executor does not run');
    process.kill(executor, 'SIGKILL');
    const deadline = Date.now() + patience(30_000);
    while ((await docker('exec', 'scoped', 'true')).code !== 0) if (Date.now() > deadline) throw new Error('no exec works after the executor was killed');
    expect(await cgroup()).toBe(before);
    expect(readFileSync(`/proc/${engine.pid('executor') ?? 0}/cgroup`, 'utf8')).toBe(`0::/system.slice/${unit}/executor\n`);
    await docker('rm', '-f', 'scoped');
  });
});
