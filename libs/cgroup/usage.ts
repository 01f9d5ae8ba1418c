import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CgroupLayout } from './layout.js';
import { controllerDirectory } from './layout.js';

export interface CgroupUsage {
  readonly cpu?: { readonly totalNanoseconds: number; readonly userNanoseconds: number; readonly systemNanoseconds: number; readonly periods: number; readonly throttledPeriods: number; readonly throttledNanoseconds: number };
  /** `limit` Infinity: none. `stat` is memory.stat as it is. */
  readonly memory?: { readonly usageBytes: number; readonly maxUsageBytes?: number; readonly limitBytes: number; readonly stat: Readonly<Record<string, number>> };
  readonly pids?: { readonly current: number; readonly limit: number };
}

/** A v1 limit that was never set reads as the largest multiple of a page. */
const V1_UNLIMITED_BYTES = 2 ** 62;
/** /proc and cpuacct.stat count in USER_HZ, 100 on all that Linux is built for. */
const NANOSECONDS_PER_TICK = 1e7;

/** What the cgroup used. A controller that the machine has not got, or a cgroup that is gone, leaves its part out. */
export function readUsage(layout: CgroupLayout, path: string): CgroupUsage {
  const at = (controller: string): string | undefined => controllerDirectory(layout, controller, path);
  const parts = layout.mode === 'v2' ? { cpu: v2Cpu(at('cpu') ?? at('memory')), memory: v2Memory(at('memory')) } : { cpu: v1Cpu(at('cpuacct'), at('cpu')), memory: v1Memory(at('memory')) };
  const pids = gone(() => pidsOf(at('pids')));
  return { ...(parts.cpu && { cpu: parts.cpu }), ...(parts.memory && { memory: parts.memory }), ...(pids && { pids }) };
}

function v1Cpu(cpuacct: string | undefined, cpu: string | undefined): CgroupUsage['cpu'] {
  if (cpuacct === undefined) return undefined;
  return gone(() => {
    const ticks = pairs(join(cpuacct, 'cpuacct.stat'));
    const throttling = cpu === undefined ? {} : pairs(join(cpu, 'cpu.stat'));
    return {
      totalNanoseconds: number(join(cpuacct, 'cpuacct.usage')),
      userNanoseconds: (ticks['user'] ?? 0) * NANOSECONDS_PER_TICK,
      systemNanoseconds: (ticks['system'] ?? 0) * NANOSECONDS_PER_TICK,
      periods: throttling['nr_periods'] ?? 0,
      throttledPeriods: throttling['nr_throttled'] ?? 0,
      throttledNanoseconds: throttling['throttled_time'] ?? 0,
    };
  });
}

function v2Cpu(directory: string | undefined): CgroupUsage['cpu'] {
  if (directory === undefined) return undefined;
  return gone(() => {
    const stat = pairs(join(directory, 'cpu.stat'));
    return {
      totalNanoseconds: (stat['usage_usec'] ?? 0) * 1000,
      userNanoseconds: (stat['user_usec'] ?? 0) * 1000,
      systemNanoseconds: (stat['system_usec'] ?? 0) * 1000,
      periods: stat['nr_periods'] ?? 0,
      throttledPeriods: stat['nr_throttled'] ?? 0,
      throttledNanoseconds: (stat['throttled_usec'] ?? 0) * 1000,
    };
  });
}

function v1Memory(directory: string | undefined): CgroupUsage['memory'] {
  if (directory === undefined) return undefined;
  return gone(() => {
    const limit = number(join(directory, 'memory.limit_in_bytes'));
    return {
      usageBytes: number(join(directory, 'memory.usage_in_bytes')),
      maxUsageBytes: number(join(directory, 'memory.max_usage_in_bytes')),
      limitBytes: limit >= V1_UNLIMITED_BYTES ? Infinity : limit,
      stat: pairs(join(directory, 'memory.stat')),
    };
  });
}

function v2Memory(directory: string | undefined): CgroupUsage['memory'] {
  if (directory === undefined) return undefined;
  return gone(() => ({
    usageBytes: number(join(directory, 'memory.current')),
    limitBytes: number(join(directory, 'memory.max')),
    stat: pairs(join(directory, 'memory.stat')),
  }));
}

function pidsOf(directory: string | undefined): CgroupUsage['pids'] {
  return directory === undefined ? undefined : { current: number(join(directory, 'pids.current')), limit: number(join(directory, 'pids.max')) };
}

function number(path: string): number {
  const text = readFileSync(path, 'utf8').trim();
  return text === 'max' ? Infinity : Number(text);
}

function pairs(path: string): Record<string, number> {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(' ')).map(([name, value]) => [name ?? '', Number(value)]));
}

/** ENODEV: the cgroup was removed between open and read. */
function gone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENODEV')) return undefined;
    throw error;
  }
}
