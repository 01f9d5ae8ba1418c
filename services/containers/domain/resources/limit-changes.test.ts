import { expect, test } from 'vitest';
import { changedLimits, checkLimitChanges, withChanges } from './limit-changes.js';

const MB = 1024 * 1024;

test('changes that contradict what the container has are refused', () => {
  expect(() => checkLimitChanges('c1', { CpuQuota: 1000 }, { NanoCpus: 1e9 })).toThrow('Cannot update container c1: Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set');
  expect(() => checkLimitChanges('c1', { NanoCpus: 1e9 }, { CpuPeriod: 1000 })).toThrow('CPU Period cannot be updated as NanoCPUs');
  expect(() => checkLimitChanges('c1', { Memory: 16 * MB, MemorySwap: 32 * MB }, { Memory: 64 * MB })).toThrow('update the memoryswap at the same time');
  expect(() => checkLimitChanges('c1', {}, { Memory: 64 * MB })).toThrow('update the memoryswap at the same time');
  expect(() => checkLimitChanges('c1', { AutoRemove: true }, { RestartPolicy: { Name: 'always' } })).toThrow('AutoRemove is enabled');
});

test('changes that fit are taken', () => {
  for (const changes of [{ Memory: 64 * MB, MemorySwap: -1 }, { Memory: 8 * MB, MemorySwap: 16 * MB }, { RestartPolicy: { Name: 'no' as const } }]) expect(() => checkLimitChanges('c1', { AutoRemove: true }, changes)).not.toThrow();
  expect(() => checkLimitChanges('c1', { Memory: 16 * MB, MemorySwap: -1 }, { Memory: 64 * MB })).not.toThrow();
});

test('of a running container only what changed is written, with what goes together with it', () => {
  const written = (changes: Parameters<typeof changedLimits>[1]) => changedLimits(withChanges({ Memory: 16 * MB, MemorySwap: 32 * MB, CpuPeriod: 50_000, PidsLimit: 10, CpusetCpus: '0' }, changes), changes);
  expect(written({ Memory: 20 * MB })).toEqual({ memoryBytes: 20 * MB, memorySwapBytes: 32 * MB });
  expect(written({ CpuQuota: 10_000 })).toEqual({ cpuQuota: 10_000, cpuPeriod: 50_000 });
  expect(written({ CpuRealtimeRuntime: 500 })).toEqual({ cpuRealtimeRuntime: 500 });
  expect(written({ PidsLimit: 0 })).toEqual({ pidsLimit: 0 });
  expect(written({ RestartPolicy: { Name: 'always' } })).toBeUndefined();
});
