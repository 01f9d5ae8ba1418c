import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detect } from '#libs/cgroup/layout.js';
import { cgroupFile } from '../engine/container-cgroup.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';

/** What is otherwise on a machine with cgroup v2 alone. */
describe.skipIf(detect().mode !== 'v2')('on cgroup v2', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
    await engine.loadBusybox();
  }, patience(120_000));
  afterAll(() => engine?.stop(), patience(60_000));

  const docker = (...args: string[]) => engine.docker(args);
  const MB = 1024 * 1024;
  const stats = async (name: string): Promise<string> => (await http(engine.socket, 'GET', `/containers/${name}/stats?stream=0&one-shot=1`)).text;

  test('stats have the fields that dockerd has there, and count what is throttled, killed and read', async () => {
    // Five times it takes more than there is, and its shell goes on.
    const script = 'for i in 1 2 3 4 5; do dd if=/dev/zero of=/dev/null bs=64M; done 2>/dev/null; dd if=/bin/busybox of=/copy bs=1M 2>/dev/null; sync; touch /done; while :; do :; done';
    await docker('run', '-d', '--name', 'used', '--network', 'none', '--memory', '16m', '--memory-swap', '16m', '--cpus', '0.2', 'busybox', 'sh', '-c', script);
    await expect.poll(async () => (await docker('exec', 'used', 'ls', '/done')).code, { timeout: patience(20_000) }).toBe(0);
    const document = JSON.parse(await stats('used')) as Record<string, Record<string, unknown>>;
    expect(Object.keys(document).sort()).toEqual(['blkio_stats', 'cpu_stats', 'id', 'memory_stats', 'name', 'num_procs', 'pids_stats', 'precpu_stats', 'preread', 'read', 'storage_stats']);
    const { cpu_stats: cpu, memory_stats: memory, blkio_stats: disks } = document;
    expect(Object.keys(cpu?.['cpu_usage'] ?? {})).toEqual(['total_usage', 'usage_in_kernelmode', 'usage_in_usermode']);
    expect(cpu).toMatchObject({ system_cpu_usage: expect.any(Number), online_cpus: expect.any(Number), throttling_data: { throttled_periods: expect.any(Number) } });
    expect((cpu?.['throttling_data'] as { throttled_time: number }).throttled_time).toBeGreaterThan(0);
    expect(Object.keys(memory ?? {})).toEqual(['usage', 'stats', 'failcnt', 'limit']);
    expect(memory).toMatchObject({ limit: 16 * MB, failcnt: expect.toSatisfy((count: number) => count >= 5), stats: { pgfault: expect.toSatisfy((count: number) => count > 0) } });
    expect(disks).toMatchObject({ io_serviced_recursive: null, sectors_recursive: null });
    expect(disks?.['io_service_bytes_recursive']).toEqual(expect.arrayContaining([{ major: expect.any(Number), minor: expect.any(Number), op: 'write', value: expect.toSatisfy((bytes: number) => bytes > 0) }]));
    expect(await stats('used')).toContain('"limit":18446744073709551615}');
    // Its first process was not the one that was killed.
    expect((await docker('inspect', '-f', '{{.State.Status}}', 'used')).stdout).toBe('running\n');
    await docker('rm', '-f', 'used');
  });

  test('a cgroup namespace hides where the container is; without one it sees the path on the host', async () => {
    expect((await docker('run', '--rm', '--network', 'none', 'busybox', 'cat', '/proc/1/cgroup')).stdout).toBe('0::/\n');
    expect((await docker('run', '--rm', '--network', 'none', '--cgroupns', 'private', 'busybox', 'sh', '-c', 'cat /proc/1/cgroup; ls -d /sys/fs/cgroup/memory.max')).stdout).toBe('0::/\n/sys/fs/cgroup/memory.max\n');
    await docker('run', '-d', '--name', 'wide', '--network', 'none', '--cgroupns', 'host', '--memory', '32m', 'busybox', 'sleep', '1000');
    const seen = (await docker('exec', 'wide', 'cat', '/proc/1/cgroup')).stdout.trim().replace('0::', '');
    expect(seen).toMatch(new RegExp(`${engine.settings.cgroupParent}/[0-9a-f]{64}$`));
    expect((await docker('exec', 'wide', 'cat', `/sys/fs/cgroup${seen}/memory.max`, '/proc/self/cgroup')).stdout).toBe(`${32 * MB}\n0::${seen}\n`);
    expect((await docker('exec', 'wide', 'sh', '-c', `echo max > /sys/fs/cgroup${seen}/memory.max`)).stderr).toContain('Read-only file system');
    await docker('rm', '-f', 'wide');
  });

  test('a pause is the freezer\'s, limits change under it, and what it froze is ended', async () => {
    await docker('run', '-d', '--name', 'still', '--network', 'none', '--memory', '32m', 'busybox', 'sh', '-c', 'sleep 1000 & exec sleep 2000');
    await docker('pause', 'still');
    expect(await cgroupFile(engine, 'still', 'cgroup.events')).toContain('frozen 1');
    expect((await docker('update', '--memory', '64m', '--memory-swap', '-1', '--cpus', '0.5', 'still')).code).toBe(0);
    expect(await Promise.all(['memory.max', 'memory.swap.max', 'cpu.max'].map((name) => cgroupFile(engine, 'still', name)))).toEqual([String(64 * MB), 'max', '50000 100000']);
    expect((await docker('top', 'still', '-o', 'pid,comm')).stdout.trim().split('\n').length).toBe(3);
    expect(JSON.parse(await stats('still'))).toMatchObject({ pids_stats: { current: 2 } });
    expect((await docker('rm', '-f', 'still')).code).toBe(0);
  });

  test('what v1 alone can is discarded with dockerd\'s warnings', async () => {
    const { stderr, stdout } = await docker('create', '--name', 'old', '--memory', '32m', '--oom-kill-disable', '--memory-swappiness', '10', 'busybox', 'true');
    expect(stderr).toContain('Your kernel does not support OomKillDisable. OomKillDisable discarded.');
    expect(stderr).toContain('Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.');
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
    await docker('rm', 'old');
  });

  test.skipIf(!existsSync('/run/systemd/system'))('systemd leaves what it has delegated alone when it reads its units again', async () => {
    await docker('run', '-d', '--name', 'kept', '--network', 'none', '--memory', '32m', '--cpus', '0.5', '--pids-limit', '20', 'busybox', 'sleep', '1000');
    const limits = () => Promise.all(['memory.max', 'cpu.max', 'pids.max', 'cgroup.procs'].map((name) => cgroupFile(engine, 'kept', name)));
    const before = await limits();
    expect(before.slice(0, 3)).toEqual([String(32 * MB), '50000 100000', '20']);
    execFileSync('systemctl', ['daemon-reload']);
    execFileSync('systemctl', ['daemon-reexec']);
    expect(await limits()).toEqual(before);
    expect((await docker('exec', 'kept', 'true')).code).toBe(0);
    await docker('rm', '-f', 'kept');
  });
});
