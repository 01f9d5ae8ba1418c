import { expect, test } from 'vitest';
import type { ContainerAt } from './container-table.js';
import { topRows, topTable } from './top-table.js';
import { sampleOf, usageOf } from './usage-samples.js';

const at = '2026-01-01T00:00:00.000Z';
const container = (name: string, more: Partial<ContainerAt> = {}): ContainerAt => ({
  id: name.padEnd(64, '0'), name, status: 'running', since: at, version: 1, start: 1, restarts: 0, pid: 7, ...more,
  created: { type: 'ContainerCreated', container: name, name, config: {}, hostConfig: { Memory: 64 * 2 ** 20 }, imageId: '', imageRef: '', layers: [], path: 'sh', args: [], mounts: [], at },
});
const exit = { type: 'ContainerExited', container: 'c', start: 1, exitCode: 137, signal: 9, oomKilled: true, reason: 'oom', at } as const;

test('a share of the CPU is what was used between two samples; a counter that went back tells nothing', () => {
  const sample = (atMs: number, cpuNanoseconds: number) => ({ atMs, cpuNanoseconds, memoryBytes: 5 });
  expect(usageOf(undefined, sample(0, 9))).toEqual({ cpuPercent: undefined, memoryBytes: 5 });
  expect(usageOf(sample(0, 0), sample(2_000, 1e9)).cpuPercent).toBe(50);
  expect(usageOf(sample(0, 9), sample(2_000, 1)).cpuPercent).toBeUndefined();
  expect(usageOf(sample(7, 1), sample(7, 2)).cpuPercent).toBeUndefined();
});

test('memory is counted without idle file pages; what does not run has no sample', () => {
  const stats = (inactive: Record<string, number>) => sampleOf({ read: at, cpu_stats: { cpu_usage: { total_usage: 1 } }, memory_stats: { usage: 100, stats: inactive } })?.memoryBytes;
  expect([stats({ total_inactive_file: 40 }), stats({ inactive_file: 30 }), stats({})]).toEqual([60, 70, 100]);
  expect(sampleOf({ read: at, cpu_stats: {}, memory_stats: {} })).toBeUndefined();
});

test('what runs comes first, the busiest first of all; the last exit is told of what runs again, too', () => {
  const rows = topRows([container('old', { status: 'exited', exit }), container('idle'), container('busy', { start: 3, restarts: 2, lastExit: exit }), container('gone', { status: 'removed' })], new Map([
    ['idle'.padEnd(64, '0'), { cpuPercent: 0, memoryBytes: 512 }],
    ['busy'.padEnd(64, '0'), { cpuPercent: 123.456, memoryBytes: 8.5 * 2 ** 20 }],
  ]));
  expect(rows.map(({ name }) => name)).toEqual(['busy', 'idle', 'old']);
  expect(rows[0]).toMatchObject({ cpuPercent: 123.46, restarts: 2, lastExit: { code: 137, reason: 'oom' } });
  expect(topTable(rows, Date.parse(at) + 95_000).split('\n').slice(1).map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
    'busy | running | 1m | 123.5 | 8.5 MiB of 64.0 MiB | 2 | oom (137), 1m ago | busy00000000',
    'idle | running | 1m | 0.0 | 512 B of 64.0 MiB | 0 | - | idle00000000',
    'old | exited | 1m | - | - | 0 | oom (137), 1m ago | old000000000',
  ]);
});
