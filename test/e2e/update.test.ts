import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cgroupFile } from '../engine/container-cgroup.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, patience(120_000));
afterAll(() => engine?.stop(), patience(60_000));

const MB = 1024 * 1024;
const docker = (...args: string[]) => engine.docker(args);
const inspect = async (name: string, format: string): Promise<string> => (await docker('inspect', '-f', format, name)).stdout.trim();
const memory = (name: string): Promise<string> => cgroupFile(engine, name, 'memory.limit_in_bytes', 'memory.max');
const pids = (name: string): Promise<string> => cgroupFile(engine, name, 'pids.max');

test('limits of a running container change under it, up and down, and outlive its run and the engine', async () => {
  await docker('run', '-d', '--name', 'grown', '--network', 'none', '--memory', '32m', '--cpuset-cpus', '0', 'busybox', 'sleep', '1000');
  expect(await docker('update', '--memory', '256m', '--memory-swap', '512m', '--pids-limit', '50', '--cpus', '0.5', 'grown')).toMatchObject({ stdout: 'grown\n', code: 0 });
  expect([await memory('grown'), await pids('grown'), await cgroupFile(engine, 'grown', 'cpuset.cpus')]).toEqual([String(256 * MB), '50', '0']);
  expect(await cgroupFile(engine, 'grown', 'cpu.cfs_quota_us', 'cpu.max')).toMatch(/^50000/);
  expect((await docker('update', '--memory', '64m', '--pids-limit', '-1', 'grown')).code).toBe(0);
  expect([await memory('grown'), await pids('grown')]).toEqual([String(64 * MB), 'max']);
  await engine.down();
  await engine.up();
  expect(await inspect('grown', '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}')).toBe(`${64 * MB} ${512 * MB} 500000000 0`);
  await docker('restart', '-t', '0', 'grown');
  expect(await memory('grown')).toBe(String(64 * MB));
  await docker('rm', '-f', 'grown');
}, patience(60_000));

test('what the kernel refuses changes nothing', async () => {
  await docker('run', '-d', '--name', 'full', '--network', 'none', '--memory', '64m', 'busybox', 'sleep', '1000');
  const cpus = (): Promise<string> => cgroupFile(engine, 'full', 'cpuset.effective_cpus', 'cpuset.cpus.effective');
  const before = await cpus();
  // No kernel has so many (linux/threads.h: PID_MAX_LIMIT), and cpusets are written before.
  const refused = await docker('update', '--cpuset-cpus', '0', '--pids-limit', '5000000', 'full');
  expect(refused.stderr).toMatch(/Cannot update container [0-9a-f]{64}: failed to write 5000000 to .*pids\.max/);
  expect(await inspect('full', '{{.HostConfig.CpusetCpus}}{{.HostConfig.PidsLimit}}')).toMatch(/^(0|<nil>|<no value>)$/);
  expect(await cpus()).toBe(before);
  expect((await docker('update', '--memory', '256m', 'full')).stderr).toContain('update the memoryswap at the same time');
  await docker('rm', '-f', 'full');
});

test.each(['run', 'create'])('memory nodes that the machine has not are refused, so that the container starts on (%s)', async (how) => {
  await docker(how, ...(how === 'run' ? ['-d'] : []), '--name', 'placed', '--network', 'none', 'busybox', 'sleep', '1000');
  expect(await docker('update', '--cpuset-mems', '99', 'placed')).toMatchObject({ code: 1, stderr: expect.stringMatching(/^Error response from daemon: Requested memory nodes are not available - requested 99, available: 0/) as string });
  expect(await inspect('placed', '{{.HostConfig.CpusetMems}}')).toBe('');
  expect((await docker('restart', '-t', '0', 'placed')).code).toBe(0);
  await docker('rm', '-f', 'placed');
});

test('a real-time period is set under a container where the kernel has them, else refused', async () => {
  await docker('run', '-d', '--name', 'timely', '--network', 'none', 'busybox', 'sleep', '1000');
  const { stderr, code } = await docker('update', '--cpu-rt-period', '500000', 'timely');
  const isKept = existsSync('/sys/fs/cgroup/cpu/cpu.rt_period_us');
  expect([code, stderr]).toEqual(isKept ? [0, ''] : [1, 'Error response from daemon: kernel does not support CPU real-time scheduler\n']);
  if (isKept) expect(await cgroupFile(engine, 'timely', 'cpu.rt_period_us')).toBe('500000');
  expect(await inspect('timely', '{{.HostConfig.CpuRealtimePeriod}}')).toBe(isKept ? '500000' : '0');
  await docker('rm', '-f', 'timely');
});

test('a new restart policy counts at the next exit', async () => {
  await docker('run', '-d', '--name', 'policy', '--network', 'none', 'busybox', 'sleep', '1000');
  expect((await docker('update', '--restart', 'always', 'policy')).code).toBe(0);
  expect(await inspect('policy', '{{.HostConfig.RestartPolicy.Name}}')).toBe('always');
  process.kill(Number(await inspect('policy', '{{.State.Pid}}')), 'SIGKILL');
  const deadline = Date.now() + patience(20_000);
  while ((await inspect('policy', '{{.RestartCount}} {{.State.Running}}')) !== '1 true') if (Date.now() > deadline) throw new Error(await inspect('policy', '{{json .State}}'));
  await docker('rm', '-f', 'policy');
}, patience(30_000));

test('a weight of block I/O is kept where the kernel weighs, else discarded with a warning', async () => {
  await docker('run', '-d', '--name', 'weighed', '--network', 'none', 'busybox', 'sleep', '1000');
  const { stdout, code } = await docker('update', '--blkio-weight', '300', 'weighed');
  const kept = await inspect('weighed', '{{.HostConfig.BlkioWeight}}');
  expect(code).toBe(0);
  expect([kept, stdout.includes('Weight discarded')]).toEqual(kept === '300' ? ['300', false] : ['0', true]);
  await docker('rm', '-f', 'weighed');
});
