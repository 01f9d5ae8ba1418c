import type { DiskCount, InterfaceTraffic, UsageReply, UsageSample } from '#contracts/executor/usage.js';
import { NEVER } from './time.js';

/** One container's part of a reading, with what was read of the machine at the same time. */
export interface Reading extends Omit<UsageReply, 'samples'> {
  readonly usage: UsageSample;
}

/** dockerd takes these of memory.stat, in this order (daemon/daemon_unix.go): v1 as runc's parser names them, v2 as the kernel does. */
const OWN_V1 = 'cache rss rss_huge mapped_file dirty writeback pgpgin pgpgout pgfault pgmajfault inactive_anon active_anon inactive_file active_file unevictable'.split(' ');
const V1_STAT = [...OWN_V1, 'hierarchical_memory_limit', 'hierarchical_memsw_limit', ...OWN_V1.map((name) => `total_${name}`)];
const V2_STAT = (
  'anon file kernel_stack slab sock shmem file_mapped file_dirty file_writeback anon_thp inactive_anon active_anon inactive_file active_file unevictable slab_reclaimable slab_unreclaimable pgfault pgmajfault ' +
  'workingset_refault workingset_activate workingset_nodereclaim pgrefill pgscan pgsteal pgactivate pgdeactivate pglazyfree pglazyfreed thp_fault_alloc thp_collapse_alloc'
).split(' ');

/** 2^64 - 1 is no number of JavaScript; TypeScript's library does not know ES2026's rawJSON yet. */
const V2_UNLIMITED = (JSON as JSON & { rawJSON(text: string): unknown }).rawJSON('18446744073709551615');

/** A JSON document of GET /containers/{id}/stats (swagger.yaml, ContainerStats). `now` absent: the container does not run. `before`: the reading that rates are counted from. */
export function containerStats(container: { readonly id: string; readonly name: string }, now: Reading | undefined, before: Reading | undefined): object {
  return {
    read: now?.at ?? NEVER,
    preread: before?.at ?? NEVER,
    pids_stats: pidsStats(now),
    blkio_stats: diskStats(now),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpuStats(now),
    precpu_stats: cpuStats(before),
    memory_stats: memoryStats(now),
    name: `/${container.name}`,
    id: container.id,
    ...(now?.usage.network && { networks: { [now.usage.network.name]: { ...traffic('rx', now.usage.network.received), ...traffic('tx', now.usage.network.sent) } } }),
  };
}

/** No limit is left out on v1; on v2 dockerd's library reads "max" as the largest number there is. */
function pidsStats(reading: Reading | undefined): object {
  const pids = reading?.usage.pids;
  if (reading === undefined || pids === undefined) return {};
  return pids.limit === undefined && reading.cgroupVersion === '2' ? { ...pids, limit: V2_UNLIMITED } : pids;
}

function cpuStats(reading: Reading | undefined): object {
  const cpu = reading?.usage.cpu;
  return {
    cpu_usage: {
      total_usage: cpu?.totalNanoseconds ?? 0,
      ...(cpu?.perCpuNanoseconds && { percpu_usage: cpu.perCpuNanoseconds }),
      usage_in_kernelmode: cpu?.systemNanoseconds ?? 0,
      usage_in_usermode: cpu?.userNanoseconds ?? 0,
    },
    ...(reading && { system_cpu_usage: reading.machineNanoseconds, online_cpus: reading.cpus }),
    throttling_data: { periods: cpu?.periods ?? 0, throttled_periods: cpu?.throttledPeriods ?? 0, throttled_time: cpu?.throttledNanoseconds ?? 0 },
  };
}

function memoryStats(reading: Reading | undefined): object {
  const memory = reading?.usage.memory;
  if (reading === undefined || memory === undefined) return {};
  const names = reading.cgroupVersion === '2' ? V2_STAT : V1_STAT;
  const failures = reading.cgroupVersion === '2' ? memory.events?.oom : memory.limitHits;
  return {
    usage: memory.usageBytes,
    ...(reading.cgroupVersion === '1' && memory.maxUsageBytes ? { max_usage: memory.maxUsageBytes } : {}),
    stats: Object.fromEntries(names.map((name) => [name, memory.stat[name] ?? 0])),
    ...(failures ? { failcnt: failures } : {}),
    limit: memory.limitBytes,
  };
}

function diskStats(reading: Reading | undefined): object {
  // v2 counts bytes alone, in dockerd's eyes; what a kernel without its old schedulers counts no more is empty on v1.
  const uncounted = reading?.cgroupVersion === '1' ? [] : null;
  return {
    io_service_bytes_recursive: reading && (reading.cgroupVersion === '1' || reading.usage.diskBytes.length > 0) ? diskEntries(reading.usage.diskBytes) : null,
    io_serviced_recursive: reading?.usage.diskOperations ? diskEntries(reading.usage.diskOperations) : uncounted,
    io_queue_recursive: uncounted,
    io_service_time_recursive: uncounted,
    io_wait_time_recursive: uncounted,
    io_merged_recursive: uncounted,
    io_time_recursive: uncounted,
    sectors_recursive: uncounted,
  };
}

const diskEntries = (counts: readonly DiskCount[]): object[] => counts.map(({ major, minor, operation, value }) => ({ major, minor, op: operation, value }));

const traffic = (way: 'rx' | 'tx', { bytes, packets, errors, dropped }: InterfaceTraffic): object => ({ [`${way}_bytes`]: bytes, [`${way}_packets`]: packets, [`${way}_errors`]: errors, [`${way}_dropped`]: dropped });
