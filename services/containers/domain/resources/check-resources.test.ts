import { expect, test } from 'vitest';
import type { HostConfig } from '#contracts/containers/container-config.js';
import { checkEnvironment, checkResources, createWarnings, needsKernelFacts, withResourceDefaults, withinKernel } from './check-resources.js';

const MB = 1024 * 1024;

test.each<[HostConfig, string]>([
  [{ Memory: 5 * MB }, 'Minimum memory limit allowed is 6MB'],
  [{ Memory: 32 * MB, MemorySwap: 16 * MB }, 'Minimum memoryswap limit'],
  [{ MemorySwap: 32 * MB }, 'You should always set the Memory limit'],
  [{ Memory: 32 * MB, MemoryReservation: 64 * MB }, 'can not be less than memory reservation'],
  [{ NanoCpus: 3e9 }, 'range of CPUs is from 0.01 to 2.00'],
  [{ NanoCpus: 1e9, CpuQuota: 1000 }, 'Nano CPUs and CPU Quota'],
  [{ CpuPeriod: 5 }, 'CPU cfs period'],
  [{ CpuRealtimePeriod: 1000, CpuRealtimeRuntime: 2000 }, 'cpu real-time runtime cannot be higher than cpu real-time period'],
  [{ CpusetCpus: '0-2' }, 'requested 0-2, available: 0-1'],
  [{ CpusetCpus: 'all' }, 'Invalid value all for cpuset cpus'],
  [{ CpusetCpus: '1-0' }, 'Invalid value 1-0 for cpuset cpus: invalid format: 1-0'],
  [{ CpuShares: -1 }, 'invalid CPU shares (-1): value must be a positive integer'],
  [{ OomScoreAdj: 1001 }, 'range for oom score adj'],
  [{ CapAdd: ['FLY'] }, 'invalid CapAdd: unknown capability: "CAP_FLY"'],
])('%j is refused', (host, text) => expect(() => checkResources(host, 2)).toThrow(text));

test('limits that fit are taken', () => {
  expect(() => checkResources({ Memory: 32 * MB, MemorySwap: -1, NanoCpus: 2e9, CpusetCpus: '0-1', CapAdd: ['ALL'], CapDrop: ['cap_chown', 'MKNOD'] }, 2)).not.toThrow();
  expect(withResourceDefaults({ Memory: 32 * MB }).MemorySwap).toBe(64 * MB);
  expect(withResourceDefaults({ Memory: 32 * MB, MemorySwap: -1 }).MemorySwap).toBe(-1);
});

test('what was left open, and what stands for no limit, is as dockerd keeps it', () => {
  expect(withResourceDefaults({})).toEqual({ ShmSize: 64 * MB });
  expect(withResourceDefaults({ ShmSize: MB, PidsLimit: -1, MemorySwappiness: -1 })).toEqual({ ShmSize: MB, PidsLimit: null, MemorySwappiness: null });
  expect(withResourceDefaults({ PidsLimit: 5, MemorySwappiness: 0 })).toEqual({ ShmSize: 64 * MB, PidsLimit: 5, MemorySwappiness: 0 });
});

test('a variable without a name is refused, ports beside the host\'s network are warned of', () => {
  expect(() => checkEnvironment({ Env: ['A', '=b'] })).toThrow('invalid environment variable: =b');
  expect(createWarnings({}, { NetworkMode: 'host', PortBindings: { '80/tcp': [{ HostPort: '80' }] } })).toHaveLength(1);
  expect(createWarnings({ ExposedPorts: { '80/tcp': {} } }, { NetworkMode: 'bridge', PortBindings: { '80/tcp': [{ HostPort: '80' }] } })).toEqual([]);
  expect(createWarnings({}, { NetworkMode: 'bridge', PortBindings: { '80/tcp': [{ HostPort: '80' }], '81/tcp': [], '82/tcp': null } })).toEqual([expect.stringContaining('Port 80/tcp is not published')]);
});

test('weights that the kernel has not are discarded, each with its warning', () => {
  const wished = { BlkioWeight: 300, BlkioWeightDevice: [{ Path: '/dev/sda', Weight: 100 }] };
  const without = withinKernel(wished, { cgroupVersion: '1', blockWeight: false, cpuRealtime: false });
  expect(without.host).toEqual({ BlkioWeightDevice: [] });
  expect(without.warnings).toHaveLength(2);
  expect(() => withinKernel(wished, { cgroupVersion: '2', blockWeight: true, cpuRealtime: false })).toThrow(/BlkioWeightDevice/);
  expect(() => withinKernel({ BlkioWeight: 5 }, { cgroupVersion: '2', blockWeight: true, cpuRealtime: false })).toThrow('Range of blkio weight is from 10 to 1000');
});

test('real-time limits are the kernel\'s to have', () => {
  expect(() => checkResources({ CpuRealtimePeriod: -1 }, 2)).not.toThrow(); // the kernel refuses it at the start, as with dockerd
  const facts = { cgroupVersion: '1', blockWeight: false } as const;
  for (const wished of [{ CpuRealtimePeriod: 1000 }, { CpuRealtimeRuntime: 1000 }]) {
    expect(needsKernelFacts(wished)).toBe(true);
    expect(() => withinKernel(wished, { ...facts, cpuRealtime: false })).toThrow('kernel does not support CPU real-time scheduler');
    expect(withinKernel(wished, { ...facts, cpuRealtime: true })).toEqual({ host: wished, warnings: [] });
  }
});
