import { expect, test } from 'vitest';
import type { UsageSample } from '#contracts/executor/usage.js';
import { containerStats, type Reading } from './stats.js';

const at = '2026-01-02T03:04:05.000Z';
const nothing: UsageSample = { container: 'c', diskBytes: [] };
const reading = (cgroupVersion: '1' | '2', usage: Partial<UsageSample>): Reading => ({ cgroupVersion, at, machineNanoseconds: 9, cpus: 2, usage: { ...nothing, ...usage } });
/** As it goes over the wire. */
const json = (now: Reading | undefined): string => JSON.stringify(containerStats({ id: 'i', name: 'n' }, now, undefined));
const cpu = { totalNanoseconds: 30, userNanoseconds: 20, systemNanoseconds: 10, periods: 3, throttledPeriods: 2, throttledNanoseconds: 1 };

test('on v2 they are those that dockerd tells there', () => {
  const usage = {
    cpu,
    memory: { usageBytes: 5, maxUsageBytes: 7, limitBytes: 6, events: { oom: 4 }, stat: { anon: 1, kernel: 2, thp_fault_alloc: 3 } },
    pids: { current: 1 },
    diskBytes: [{ major: 8, minor: 0, operation: 'read', value: 1 }, { major: 8, minor: 0, operation: 'write', value: 2 }],
  };
  const text = json(reading('2', usage));
  expect(text).toContain('"pids_stats":{"current":1,"limit":18446744073709551615}');
  const document = JSON.parse(text) as Record<string, Record<string, unknown>>;
  expect(document['cpu_stats']).toEqual({
    cpu_usage: { total_usage: 30, usage_in_kernelmode: 10, usage_in_usermode: 20 },
    system_cpu_usage: 9,
    online_cpus: 2,
    throttling_data: { periods: 3, throttled_periods: 2, throttled_time: 1 },
  });
  expect(document['memory_stats']).toMatchObject({ usage: 5, failcnt: 4, limit: 6, stats: { anon: 1, thp_fault_alloc: 3, workingset_refault: 0 } });
  // v2's library tells of no maximum, and takes 31 values of memory.stat.
  expect(Object.keys(document['memory_stats'] ?? {})).toEqual(['usage', 'stats', 'failcnt', 'limit']);
  expect(Object.keys(document['memory_stats']?.['stats'] ?? {}).length).toBe(31);
  expect(document['blkio_stats']).toMatchObject({ io_service_bytes_recursive: [{ major: 8, minor: 0, op: 'read', value: 1 }, { major: 8, minor: 0, op: 'write', value: 2 }], io_serviced_recursive: null });
});

test('what was not used or limited is told as each version of cgroups has dockerd tell it', () => {
  const idle = { memory: { usageBytes: 5, limitBytes: 6, stat: {} }, pids: { current: 1 } };
  const [v1, v2] = (['1', '2'] as const).map((version) => JSON.parse(json(reading(version, idle))) as Record<string, Record<string, unknown>>);
  expect([v1?.['pids_stats'], Object.keys(v2?.['pids_stats'] ?? {})]).toEqual([{ current: 1 }, ['current', 'limit']]);
  expect([v1?.['blkio_stats']?.['io_service_bytes_recursive'], v2?.['blkio_stats']?.['io_service_bytes_recursive']]).toEqual([[], null]);
  expect([v1, v2].map((document) => document?.['memory_stats']?.['failcnt'])).toEqual([undefined, undefined]);
  expect(JSON.parse(json(undefined))).toMatchObject({ pids_stats: {}, memory_stats: {}, blkio_stats: { io_service_bytes_recursive: null } });
});
