import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAway } from './kept-files.js';
import type { CgroupLayout } from './layout.js';
import { controllerDirectory, UNIFIED } from './layout.js';

export interface CgroupUsage {
  readonly cpu?: {
    readonly totalNanoseconds: number;
    readonly userNanoseconds: number;
    readonly systemNanoseconds: number;
    readonly periods: number;
    readonly throttledPeriods: number;
    readonly throttledNanoseconds: number;
    /** v2 alone. */
    readonly bursts?: { readonly periods: number; readonly nanoseconds: number };
  };
  /** `limit` Infinity: none. `stat` is memory.stat as it is. What a kernel does not count is absent. */
  readonly memory?: {
    readonly usageBytes: number;
    readonly maxUsageBytes?: number;
    readonly limitBytes: number;
    readonly stat: Readonly<Record<string, number>>;
    readonly swapBytes?: number;
    readonly kernelBytes?: number;
    /** v1: how often the limit was met. */
    readonly limitHits?: number;
    readonly oomKills?: number;
    /** v2, memory.events: how often memory.high was exceeded, memory.max met, and no memory found below it. */
    readonly events?: { readonly high: number; readonly max: number; readonly oom: number };
  };
  readonly pids?: { readonly current: number; readonly limit: number };
  /** One for each block device that was used. */
  readonly disks?: readonly DiskUsage[];
  /** Hybrid and v2: seconds that some, or all, processes waited for it (kernel: accounting/psi). */
  readonly pressure?: Readonly<Partial<Record<PressedOn, { readonly waitingSeconds: number; readonly stalledSeconds: number }>>>;
}

export type PressedOn = 'cpu' | 'memory' | 'io';

export interface DiskUsage {
  /** "8:0" */
  readonly device: string;
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly reads: number;
  readonly writes: number;
}

/** What one file of a cgroup holds; undefined: the machine has no such controller or file, or the cgroup is gone. */
export type ReadCgroupFile = (controller: string, file: string) => string | undefined;

/** A v1 limit that was never set reads as the largest multiple of a page. */
const V1_UNLIMITED_BYTES = 2 ** 62;
/** /proc and cpuacct.stat count in USER_HZ, 100 on all that Linux is built for. */
const NANOSECONDS_PER_TICK = 1e7;

/** Reads files of one cgroup, each by its own open(2). */
export const cgroupFileReader =
  (layout: CgroupLayout, path: string): ReadCgroupFile =>
  (controller, file) => {
    const directory = controllerDirectory(layout, controller, path);
    if (directory === undefined) return undefined;
    try {
      return readFileSync(join(directory, file), 'latin1');
    } catch (error) {
      if (isAway(error)) return undefined;
      throw error;
    }
  };

/** The same of files that are read in another way, such as by descriptors that are kept. */
export function usageOf(mode: CgroupLayout['mode'], read: ReadCgroupFile): CgroupUsage {
  return mode === 'v2' ? v2Usage(read) : v1Usage(read);
}

function v1Usage(read: ReadCgroupFile): CgroupUsage {
  const total = read('cpuacct', 'cpuacct.usage');
  const ticks = pairs(read('cpuacct', 'cpuacct.stat'));
  const throttling = pairs(read('cpu', 'cpu.stat'));
  const usage = read('memory', 'memory.usage_in_bytes');
  const limit = number(read('memory', 'memory.limit_in_bytes'));
  const stat = usage === undefined ? {} : pairs(read('memory', 'memory.stat'));
  const bytes = read('blkio', 'blkio.throttle.io_service_bytes_recursive');
  // Most containers have used no device: then there is a total alone, and nothing else to ask for.
  const disks = bytes === undefined || bytes.startsWith('Total') ? [] : v1Disks(bytes, read('blkio', 'blkio.throttle.io_serviced_recursive'));
  return {
    ...(total !== undefined && {
      cpu: {
        totalNanoseconds: Number(total),
        userNanoseconds: (ticks['user'] ?? 0) * NANOSECONDS_PER_TICK,
        systemNanoseconds: (ticks['system'] ?? 0) * NANOSECONDS_PER_TICK,
        periods: throttling['nr_periods'] ?? 0,
        throttledPeriods: throttling['nr_throttled'] ?? 0,
        throttledNanoseconds: throttling['throttled_time'] ?? 0,
      },
    }),
    ...(usage !== undefined && {
      memory: {
        usageBytes: Number(usage),
        limitBytes: limit === undefined || limit >= V1_UNLIMITED_BYTES ? Infinity : limit,
        stat,
        ...defined({
          maxUsageBytes: number(read('memory', 'memory.max_usage_in_bytes')),
          swapBytes: stat['total_swap'],
          kernelBytes: number(read('memory', 'memory.kmem.usage_in_bytes')),
          limitHits: number(read('memory', 'memory.failcnt')),
          oomKills: pairs(read('memory', 'memory.oom_control'))['oom_kill'],
        }),
      },
    }),
    ...pidsOf(read),
    ...(disks.length > 0 && { disks }),
    ...pressureOf(read),
  };
}

function v2Usage(read: ReadCgroupFile): CgroupUsage {
  const cpu = read('cpu', 'cpu.stat') ?? read('memory', 'cpu.stat');
  const cpuStat = pairs(cpu);
  const memoryStat = read('memory', 'memory.stat');
  const stat = pairs(memoryStat);
  const events = pairs(read('memory', 'memory.events'));
  const disks = v2Disks(read('io', 'io.stat'));
  return {
    ...(cpu !== undefined && {
      cpu: {
        totalNanoseconds: (cpuStat['usage_usec'] ?? 0) * 1000,
        userNanoseconds: (cpuStat['user_usec'] ?? 0) * 1000,
        systemNanoseconds: (cpuStat['system_usec'] ?? 0) * 1000,
        periods: cpuStat['nr_periods'] ?? 0,
        throttledPeriods: cpuStat['nr_throttled'] ?? 0,
        throttledNanoseconds: (cpuStat['throttled_usec'] ?? 0) * 1000,
        ...(cpuStat['nr_bursts'] !== undefined && { bursts: { periods: cpuStat['nr_bursts'], nanoseconds: (cpuStat['burst_usec'] ?? 0) * 1000 } }),
      },
    }),
    ...(memoryStat !== undefined && {
      memory: {
        // The machine's own cgroup has memory.stat alone.
        usageBytes: number(read('memory', 'memory.current')) ?? (stat['anon'] ?? 0) + (stat['file'] ?? 0),
        limitBytes: number(read('memory', 'memory.max')) ?? Infinity,
        stat,
        ...defined({
          maxUsageBytes: number(read('memory', 'memory.peak')),
          swapBytes: number(read('memory', 'memory.swap.current')),
          kernelBytes: stat['kernel'],
          oomKills: events['oom_kill'],
          events: events['high'] === undefined ? undefined : { high: events['high'], max: events['max'] ?? 0, oom: events['oom'] ?? 0 },
        }),
      },
    }),
    ...pidsOf(read),
    ...(disks.length > 0 && { disks }),
    ...pressureOf(read),
  };
}

function pressureOf(read: ReadCgroupFile): Pick<CgroupUsage, 'pressure'> {
  const pressure = defined({ cpu: pressed(read(UNIFIED, 'cpu.pressure')), memory: pressed(read(UNIFIED, 'memory.pressure')), io: pressed(read(UNIFIED, 'io.pressure')) });
  return Object.keys(pressure).length > 0 ? { pressure } : {};
}

function pidsOf(read: ReadCgroupFile): Pick<CgroupUsage, 'pids'> {
  const current = number(read('pids', 'pids.current'));
  return current === undefined ? {} : { pids: { current, limit: number(read('pids', 'pids.max')) ?? Infinity } };
}

/** Lines "8:0 Read 4096"; a last one "Total 4096" (kernel: admin-guide/cgroup-v1/blkio-controller). */
function v1Disks(bytes: string, operations: string | undefined): DiskUsage[] {
  if (operations === undefined) return [];
  const counts = (text: string): Record<string, number> => Object.fromEntries(Array.from(text.matchAll(/^(\d+:\d+ \w+) (\d+)$/gm), ([, key, value]) => [key, Number(value)]));
  const byBytes = counts(bytes);
  const byOperations = counts(operations);
  const devices = new Set(Object.keys(byBytes).map((key) => key.split(' ')[0] ?? ''));
  return Array.from(devices, (device) => ({
    device,
    readBytes: byBytes[`${device} Read`] ?? 0,
    writeBytes: byBytes[`${device} Write`] ?? 0,
    reads: byOperations[`${device} Read`] ?? 0,
    writes: byOperations[`${device} Write`] ?? 0,
  }));
}

/** Lines "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0" (kernel: admin-guide/cgroup-v2). */
function v2Disks(text: string | undefined): DiskUsage[] {
  if (text === undefined || text === '') return [];
  return Array.from(text.matchAll(/^(\d+:\d+)((?: \w+=\d+)+)$/gm), ([, device = '', rest = '']) => {
    const of = (name: string): number => Number(new RegExp(` ${name}=(\\d+)`).exec(rest)?.[1] ?? 0);
    return { device, readBytes: of('rbytes'), writeBytes: of('wbytes'), reads: of('rios'), writes: of('wios') };
  });
}

/** Two lines, "some" and "full", each with its total in microseconds. */
function pressed(text: string | undefined): { readonly waitingSeconds: number; readonly stalledSeconds: number } | undefined {
  if (text === undefined) return undefined;
  const total = (line: string): number => {
    const from = text.indexOf(line);
    return from < 0 ? 0 : Number.parseInt(text.slice(text.indexOf('total=', from) + 'total='.length), 10) / 1e6;
  };
  return { waitingSeconds: total('some'), stalledSeconds: total('full') };
}

function number(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return text.startsWith('max') ? Infinity : Number(text);
}

/** Lines "name 123". */
function pairs(text: string | undefined): Record<string, number> {
  const values: Record<string, number> = {};
  if (text === undefined) return values;
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const space = text.indexOf(' ', at);
    if (space > 0 && space < end) values[text.slice(at, space)] = Number(text.slice(space + 1, end));
    at = end + 1;
  }
  return values;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the properties that are undefined, which an optional property does not allow. */
function defined<T extends object>(values: T): Defined<T> {
  const kept: Defined<T> = {};
  for (const key in values) {
    const value = values[key];
    if (value !== undefined) kept[key] = value as Exclude<T[typeof key], undefined>; // which the compiler does not make of the comparison
  }
  return kept;
}
