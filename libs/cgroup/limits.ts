import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { invalid } from '#libs/errors/errors.js';
import type { CgroupLayout } from './layout.js';

export interface DeviceRule {
  readonly allow: boolean;
  readonly type: 'a' | 'b' | 'c';
  /** -1: all. */
  readonly major: number;
  readonly minor: number;
  /** Of "r", "w" and "m". */
  readonly access: string;
}

/** Absent: no limit of ours. 0 of a memory limit or of shares means the same, as in the Engine API. */
export interface CgroupResources {
  readonly memoryBytes?: number;
  /** Memory and swap together; -1: as much swap as there is. */
  readonly memorySwapBytes?: number;
  readonly memoryReservationBytes?: number;
  /** Billionths of a processor; not together with quota and period. */
  readonly nanoCpus?: number;
  /** Microseconds. */
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  /** Microseconds of real-time tasks; v1 alone has these two. */
  readonly cpuRealtimePeriod?: number;
  readonly cpuRealtimeRuntime?: number;
  readonly cpuShares?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  /** 0 or less: no limit. */
  readonly pidsLimit?: number;
  readonly deviceRules?: readonly DeviceRule[];
  /** 10 to 1000; where the kernel does not weigh, nothing. */
  readonly blockWeight?: number;
  readonly throttles?: readonly DeviceThrottle[];
  /** v1 alone has these two. */
  readonly swappiness?: number;
  readonly oomKillDisable?: boolean;
}

/** Rates a second for one block device; 0: no limit. */
export interface DeviceThrottle {
  readonly major: number;
  readonly minor: number;
  readonly limits: 'read-bytes' | 'write-bytes' | 'read-operations' | 'write-operations';
  readonly rate: number;
}

/** v1's file, and v2's key in io.max (kernel: admin-guide/cgroup-v1/blkio-controller, admin-guide/cgroup-v2). */
const THROTTLES = {
  'read-bytes': ['blkio.throttle.read_bps_device', 'rbps'],
  'write-bytes': ['blkio.throttle.write_bps_device', 'wbps'],
  'read-operations': ['blkio.throttle.read_iops_device', 'riops'],
  'write-operations': ['blkio.throttle.write_iops_device', 'wiops'],
} as const;

/** One write(2) to one file. Optional: where the file is missing or refuses, warn and go on. */
export interface CgroupWrite {
  readonly path: string;
  readonly data: string;
  readonly optional: boolean;
}

const DEFAULT_PERIOD_MICROSECONDS = 100_000;
/** Of a CPU, for a microsecond of the period. */
const NANO_CPUS_A_MICROSECOND = 1e9 / DEFAULT_PERIOD_MICROSECONDS;

/**
 * The writes, in order, that put `resources` on the cgroup of `directories` (cgroupDirectories of the same layout). cpuset.cpus and cpuset.mems, which v1 wants
 * before a process may join, are read from the parent by `readParent`. Device rules are written where v1 has their controller; else deviceFilter makes a program.
 */
export function limitWrites(
  layout: CgroupLayout,
  directories: readonly string[],
  resources: CgroupResources,
  readParent: (path: string) => string = (path) => readFileSync(path, 'utf8').trim(),
): readonly CgroupWrite[] {
  if (resources.nanoCpus && (resources.cpuQuota || resources.cpuPeriod)) throw invalid('CPUs and a CPU quota or period exclude each other');
  return layout.mode === 'v2' ? v2Writes(layout, directories[0] ?? '', resources) : v1Writes(layout, directories, resources, readParent);
}

/**
 * The writes that change the limits of a cgroup that is in use to those of `resources`; what is absent stays. v1 refuses memory above memory and swap together,
 * so the one that grows comes first: `read` reads a file.
 */
export function updateWrites(layout: CgroupLayout, directories: readonly string[], resources: CgroupResources, read: (path: string) => string): readonly CgroupWrite[] {
  // Without a word about cpusets there is nothing to take over from above.
  const writes = limitWrites(layout, directories, resources, () => '').filter(({ data }) => data !== '');
  const memory = writes.find(({ path }) => basename(path) === 'memory.limit_in_bytes');
  const swap = writes.find(({ path }) => basename(path) === 'memory.memsw.limit_in_bytes');
  if (memory === undefined || swap === undefined || Number(memory.data) <= Number(read(swap.path))) return writes;
  return [swap, ...writes.filter((write) => write !== swap)];
}

function v1Writes(layout: CgroupLayout, directories: readonly string[], r: CgroupResources, readParent: (path: string) => string): CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  const put = (controller: string, file: string, data: string | number, optional = false): void => {
    const mountPoint = layout.controllers.get(controller);
    const directory = mountPoint === undefined ? undefined : directories.find((one) => one.startsWith(`${mountPoint}/`));
    if (directory === undefined && !optional) throw invalid(`this machine has no ${controller} cgroup: ${file} cannot be set`);
    if (directory !== undefined) writes.push({ path: join(directory, file), data: textOf(data), optional });
  };

  const cpusetRoot = layout.controllers.get('cpuset');
  const cpuset = cpusetRoot === undefined ? undefined : directories.find((one) => one.startsWith(`${cpusetRoot}/`));
  // Empty masks, as a new v1 cpuset has them, let no process in (ENOSPC).
  if (cpuset !== undefined || r.cpusetCpus || r.cpusetMems) {
    put('cpuset', 'cpuset.cpus', r.cpusetCpus || readParent(join(cpuset ?? '', '..', 'cpuset.cpus')));
    put('cpuset', 'cpuset.mems', r.cpusetMems || readParent(join(cpuset ?? '', '..', 'cpuset.mems')));
  }
  const { memory, swap } = memoryLimits(r);
  if (memory !== undefined) {
    // Memory may not exceed memory and swap: in a fresh cgroup, where both are unlimited, this order always fits.
    put('memory', 'memory.limit_in_bytes', memory);
    // Without swap accounting the file is missing: the limit that matters is set.
    if (swap !== undefined) put('memory', 'memory.memsw.limit_in_bytes', swap, r.memorySwapBytes === undefined);
  }
  if (r.memoryReservationBytes) put('memory', 'memory.soft_limit_in_bytes', r.memoryReservationBytes);
  if (r.swappiness !== undefined) put('memory', 'memory.swappiness', r.swappiness);
  if (r.oomKillDisable) put('memory', 'memory.oom_control', 1);
  if (r.blockWeight) put('blkio', 'blkio.weight', r.blockWeight, true);
  for (const { major, minor, limits, rate } of r.throttles ?? []) put('blkio', THROTTLES[limits][0], `${major}:${minor} ${textOf(rate)}`);
  if (r.cpuShares) put('cpu', 'cpu.shares', fittingShares(r.cpuShares));
  // A runtime has to fit its period.
  if (r.cpuRealtimePeriod) put('cpu', 'cpu.rt_period_us', r.cpuRealtimePeriod);
  if (r.cpuRealtimeRuntime) put('cpu', 'cpu.rt_runtime_us', r.cpuRealtimeRuntime);
  const bandwidth = cpuBandwidth(r);
  if (bandwidth.period !== undefined) put('cpu', 'cpu.cfs_period_us', bandwidth.period);
  if (bandwidth.quota !== undefined) put('cpu', 'cpu.cfs_quota_us', bandwidth.quota);
  if (r.pidsLimit !== undefined) put('pids', 'pids.max', r.pidsLimit > 0 ? r.pidsLimit : 'max');
  const byFilter = !layout.controllers.has('devices') && layout.unified !== undefined;
  for (const rule of (byFilter ? undefined : r.deviceRules) ?? []) put('devices', rule.allow ? 'devices.allow' : 'devices.deny', deviceRuleText(rule));
  return writes;
}

function v2Writes(layout: CgroupLayout, directory: string, r: CgroupResources): CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  const put = (file: string, data: string | number, optional = false): void => {
    const controller = basename(file).split('.')[0] ?? '';
    if (!layout.controllers.has(controller)) {
      if (optional) return;
      throw invalid(`this machine's cgroups have no ${controller} controller: ${file} cannot be set`);
    }
    writes.push({ path: join(directory, file), data: textOf(data), optional });
  };
  const { memory, swap } = memoryLimits(r);
  if (memory !== undefined) {
    put('memory.max', memory === -1 ? 'max' : memory);
    // v2 counts swap alone.
    if (swap !== undefined) put('memory.swap.max', swap === -1 ? 'max' : swap - memory, r.memorySwapBytes === undefined);
  }
  if (r.memoryReservationBytes) put('memory.low', r.memoryReservationBytes);
  if (r.cpuShares) put('cpu.weight', weightOfShares(fittingShares(r.cpuShares)));
  // 10 to 1000 of v1 on 1 to 10000 of v2, in proportion.
  if (r.blockWeight) put('io.weight', Math.trunc(1 + ((r.blockWeight - 10) * 9999) / 990), true);
  for (const { major, minor, limits, rate } of r.throttles ?? []) put('io.max', `${major}:${minor} ${THROTTLES[limits][1]}=${rate === 0 ? 'max' : textOf(rate)}`);
  const { quota, period } = cpuBandwidth(r);
  if (quota !== undefined || period !== undefined) {
    put('cpu.max', `${quota === undefined || quota < 0 ? 'max' : textOf(quota)} ${period ?? DEFAULT_PERIOD_MICROSECONDS}`);
  }
  if (r.cpusetCpus) put('cpuset.cpus', r.cpusetCpus);
  if (r.cpusetMems) put('cpuset.mems', r.cpusetMems);
  if (r.pidsLimit !== undefined) put('pids.max', r.pidsLimit > 0 ? r.pidsLimit : 'max');
  return writes;
}

/** All its digits: JavaScript ends after seventeen. The largest of 64 bits, which clients say for no limit, is here what is next below it. */
function textOf(data: string | number): string {
  if (typeof data === 'string') return data;
  return data >= 2 ** 63 - 1024 ? String(2n ** 63n - 1n) : String(BigInt(data));
}

/** The kernel would take what is next to them, in silence. Throws invalid, in runc's words. */
function fittingShares(shares: number): number {
  if (shares < 2) throw invalid('the minimum allowed cpu-shares is 2');
  if (shares > 262_144) throw invalid('the maximum allowed cpu-shares is 262144');
  return shares;
}

/** Without a word about swap there may be as much of it as of memory, as in Docker. */
function memoryLimits(r: CgroupResources): { readonly memory?: number; readonly swap?: number } {
  if (!r.memoryBytes) {
    if (r.memorySwapBytes && r.memorySwapBytes > 0) throw invalid('a limit of memory and swap needs a limit of memory');
    return {};
  }
  const swap = r.memorySwapBytes || r.memoryBytes * 2;
  if (swap !== -1 && swap < r.memoryBytes) throw invalid('the limit of memory and swap is below the limit of memory');
  return { memory: r.memoryBytes, swap };
}

/** In microseconds. CPUs that come to less than one are no limit, as with dockerd, whose runtime takes a quota of 0 for none. */
export function cpuBandwidth(r: Pick<CgroupResources, 'nanoCpus' | 'cpuQuota' | 'cpuPeriod'>): { readonly quota?: number; readonly period?: number } {
  const quota = Math.trunc((r.nanoCpus ?? 0) / NANO_CPUS_A_MICROSECOND);
  if (r.nanoCpus) return { ...(quota > 0 ? { quota } : {}), period: DEFAULT_PERIOD_MICROSECONDS };
  return { ...(r.cpuQuota ? { quota: r.cpuQuota } : {}), ...(r.cpuPeriod ? { period: r.cpuPeriod } : {}) };
}

/** Shares are 2 to 262144, weights 1 to 10000: spread in proportion, as runtimes before the quadratic mapping of 2025 do. */
export function weightOfShares(shares: number): number {
  return Math.trunc(1 + ((Math.min(Math.max(shares, 2), 262_144) - 2) * 9999) / 262_142);
}

/** "c 1:3 rwm"; "a" alone stands for all devices (kernel: admin-guide/cgroup-v1/devices). */
function deviceRuleText({ type, major, minor, access }: DeviceRule): string {
  if (type === 'a') return 'a';
  const number = (value: number): string => (value < 0 ? '*' : String(value));
  return `${type} ${number(major)}:${number(minor)} ${access}`;
}
