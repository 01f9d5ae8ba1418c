import type { CgroupUsage, DiskUsage, PressedOn } from '#libs/cgroup/usage.js';
import type { LinkCounters, Traffic } from '#libs/netlink/link-counters.js';
import type { Exposition } from '#libs/telemetry/metrics/exposition.js';
import { type ProcessesSeen, TASK_STATES } from './processes-seen.js';
import type { ContainerFacts } from './container-facts.js';

/** One cgroup as it was found in a scrape: a container, or the machine as a whole. */
export interface Scraped {
  /** Base labels, as text. */
  readonly labels: string;
  readonly usage: CgroupUsage;
  /** Seen from within. */
  readonly interfaces: readonly { readonly name: string; readonly received: Traffic; readonly sent: Traffic }[];
  /** Absent: the machine. */
  readonly facts?: ContainerFacts;
  readonly startedAt: number;
  /** As they were at a look some time ago; absent: it did not run then. */
  readonly processes?: ProcessesSeen;
  /** What it has written, as it was some time ago. */
  readonly writtenBytes?: number;
}

/** The file system that writable layers lie on. */
export interface LayerFileSystem {
  readonly device: string;
  readonly bytes: number;
  readonly inodes: number;
  readonly freeInodes: number;
}

export interface Surroundings {
  /** "8:0" to "/dev/sda". */
  readonly deviceName: (device: string) => string;
  readonly fileSystem: LayerFileSystem;
}

type Emit = (value: number | undefined, more?: string) => void;
type Family = readonly [name: string, type: 'counter' | 'gauge', help: string, write: (one: Scraped, emit: Emit, around: Surroundings) => void];

const NANO = 1e-9;
/** `otherwise`: its name on v2, where there is no `name`. */
const stat = ({ usage: { memory } }: Scraped, name: string, otherwise = name): number | undefined => memory?.stat[name] ?? memory?.stat[otherwise];
const cpu = (write: (cpu: NonNullable<CgroupUsage['cpu']>) => number | undefined) => (one: Scraped, emit: Emit) => emit(one.usage.cpu && write(one.usage.cpu));
const memory = (write: (memory: NonNullable<CgroupUsage['memory']>, one: Scraped) => number | undefined) => (one: Scraped, emit: Emit) => emit(one.usage.memory && write(one.usage.memory, one));
const spec = (write: (facts: ContainerFacts) => number | undefined) => (one: Scraped, emit: Emit) => emit(one.facts && write(one.facts));
const disks = (write: (disk: DiskUsage) => number) => (one: Scraped, emit: Emit, { deviceName }: Surroundings) => {
  for (const disk of one.usage.disks ?? []) emit(write(disk), `device="${deviceName(disk.device)}"`);
};
const layer = (write: (fileSystem: LayerFileSystem) => number) => (one: Scraped, emit: Emit, { fileSystem }: Surroundings) => {
  if (one.facts) emit(write(fileSystem), `device="${fileSystem.device}"`);
};
const network = (write: (one: Scraped['interfaces'][number]) => number) => ({ interfaces }: Scraped, emit: Emit) => {
  for (const one of interfaces) emit(write(one), `interface="${one.name}"`);
};
const pressure = (on: PressedOn, what: 'waitingSeconds' | 'stalledSeconds') => (one: Scraped, emit: Emit) => emit(one.usage.pressure?.[on]?.[what]);

/** v1 counts a cgroup and those below it apart: Docker shows the sum, and so do v2 cgroups. */
const inactiveFile = (one: Scraped): number => stat(one, 'total_inactive_file', 'inactive_file') ?? 0;
const processes = (write: (seen: ProcessesSeen) => number | undefined) => (one: Scraped, emit: Emit) => emit(one.processes && write(one.processes));
const limit = (value: number | undefined): number | undefined => (value === Infinity ? -1 : value);
const finite = (value: number): number => (value === Infinity ? 0 : value);

/** cAdvisor's names, types and labels: dashboards and rules that people have hang on them. The kernel's counters in its meaning. */
const FAMILIES: readonly Family[] = [
  ['container_cpu_usage_seconds_total', 'counter', 'CPU time used.', (one, emit) => emit(one.usage.cpu && one.usage.cpu.totalNanoseconds * NANO, 'cpu="total"')],
  ['container_cpu_user_seconds_total', 'counter', 'CPU time used in user mode.', cpu((of) => of.userNanoseconds * NANO)],
  ['container_cpu_system_seconds_total', 'counter', 'CPU time used in the kernel.', cpu((of) => of.systemNanoseconds * NANO)],
  ['container_cpu_cfs_periods_total', 'counter', 'Enforcement periods of the CPU quota that have passed.', cpu((of) => of.periods)],
  ['container_cpu_cfs_throttled_periods_total', 'counter', 'Periods in which the quota held it back.', cpu((of) => of.throttledPeriods)],
  ['container_cpu_cfs_throttled_seconds_total', 'counter', 'Time that the quota held it back.', cpu((of) => of.throttledNanoseconds * NANO)],
  ['container_cpu_cfs_burst_periods_total', 'counter', 'Periods in which it used more than the quota.', cpu((of) => of.bursts?.periods)],
  ['container_cpu_cfs_burst_seconds_total', 'counter', 'CPU time used above the quota.', cpu((of) => of.bursts && of.bursts.nanoseconds * NANO)],
  ['container_memory_usage_bytes', 'gauge', 'Memory in use, caches included.', memory((of) => of.usageBytes)],
  ['container_memory_working_set_bytes', 'gauge', 'Memory in use without inactive caches of files.', memory((of, one) => Math.max(0, of.usageBytes - inactiveFile(one)))],
  ['container_memory_rss', 'gauge', 'Anonymous memory.', memory((_, one) => stat(one, 'total_rss', 'anon'))],
  ['container_memory_cache', 'gauge', 'Caches of files.', memory((_, one) => stat(one, 'total_cache', 'file'))],
  ['container_memory_swap', 'gauge', 'Swap in use.', memory((of) => of.swapBytes)],
  ['container_memory_mapped_file', 'gauge', 'Files mapped into memory.', memory((_, one) => stat(one, 'total_mapped_file', 'file_mapped'))],
  ['container_memory_max_usage_bytes', 'gauge', 'Most memory that was in use.', memory((of) => of.maxUsageBytes)],
  ['container_memory_kernel_usage', 'gauge', "The kernel's memory for it.", memory((of) => of.kernelBytes)],
  ['container_memory_total_active_file_bytes', 'gauge', 'Active caches of files.', memory((_, one) => stat(one, 'total_active_file', 'active_file'))],
  ['container_memory_total_inactive_file_bytes', 'gauge', 'Inactive caches of files.', memory((_, one) => inactiveFile(one))],
  ['container_memory_failcnt', 'counter', 'How often the memory limit was met.', memory((of) => of.limitHits)],
  ['container_memory_events_high_total', 'counter', 'How often memory.high was exceeded.', memory((of) => of.events?.high)],
  ['container_memory_events_max_total', 'counter', 'How often memory.max was met.', memory((of) => of.events?.max)],
  [
    'container_memory_failures_total',
    'counter',
    'Page faults.',
    (one, emit) => {
      for (const type of ['pgfault', 'pgmajfault']) {
        emit(stat(one, type), `failure_type="${type}",scope="container"`);
        emit(stat(one, `total_${type}`, type), `failure_type="${type}",scope="hierarchy"`);
      }
    },
  ],
  ['container_oom_events_total', 'counter', 'Processes that the OOM killer ended.', memory((of) => of.oomKills)],
  ['container_pressure_cpu_waiting_seconds_total', 'counter', 'Time that some processes waited for a CPU.', pressure('cpu', 'waitingSeconds')],
  ['container_pressure_cpu_stalled_seconds_total', 'counter', 'Time that all processes waited for a CPU.', pressure('cpu', 'stalledSeconds')],
  ['container_pressure_memory_waiting_seconds_total', 'counter', 'Time that some processes waited for memory.', pressure('memory', 'waitingSeconds')],
  ['container_pressure_memory_stalled_seconds_total', 'counter', 'Time that all processes waited for memory.', pressure('memory', 'stalledSeconds')],
  ['container_pressure_io_waiting_seconds_total', 'counter', 'Time that some processes waited for a device.', pressure('io', 'waitingSeconds')],
  ['container_pressure_io_stalled_seconds_total', 'counter', 'Time that all processes waited for a device.', pressure('io', 'stalledSeconds')],
  ['container_fs_reads_bytes_total', 'counter', 'Bytes read from block devices.', disks((disk) => disk.readBytes)],
  ['container_fs_writes_bytes_total', 'counter', 'Bytes written to block devices.', disks((disk) => disk.writeBytes)],
  ['container_fs_reads_total', 'counter', 'Reads from block devices.', disks((disk) => disk.reads)],
  ['container_fs_writes_total', 'counter', 'Writes to block devices.', disks((disk) => disk.writes)],
  ['container_fs_usage_bytes', 'gauge', 'Bytes in its writable layer, counted every few minutes.', (one, emit, { fileSystem }) => emit(one.writtenBytes, `device="${fileSystem.device}"`)],
  ['container_fs_limit_bytes', 'gauge', 'Size of the file system that the writable layer lies on.', layer((on) => on.bytes)],
  ['container_fs_inodes_free', 'gauge', 'Free inodes of that file system.', layer((on) => on.freeInodes)],
  ['container_fs_inodes_total', 'gauge', 'Inodes of that file system.', layer((on) => on.inodes)],
  [
    'container_blkio_device_usage_total',
    'counter',
    'Bytes to and from each block device.',
    (one, emit, { deviceName }) => {
      for (const { device, readBytes, writeBytes } of one.usage.disks ?? []) {
        const [major = '', minor = ''] = device.split(':');
        const labels = `device="${deviceName(device)}",major="${major}",minor="${minor}"`;
        emit(readBytes, `${labels},operation="Read"`);
        emit(writeBytes, `${labels},operation="Write"`);
      }
    },
  ],
  ['container_network_receive_bytes_total', 'counter', 'Bytes received.', network((one) => one.received.bytes)],
  ['container_network_receive_packets_total', 'counter', 'Packets received.', network((one) => one.received.packets)],
  ['container_network_receive_errors_total', 'counter', 'Errors while receiving.', network((one) => one.received.errors)],
  ['container_network_receive_packets_dropped_total', 'counter', 'Packets dropped while receiving.', network((one) => one.received.dropped)],
  ['container_network_transmit_bytes_total', 'counter', 'Bytes sent.', network((one) => one.sent.bytes)],
  ['container_network_transmit_packets_total', 'counter', 'Packets sent.', network((one) => one.sent.packets)],
  ['container_network_transmit_errors_total', 'counter', 'Errors while sending.', network((one) => one.sent.errors)],
  ['container_network_transmit_packets_dropped_total', 'counter', 'Packets dropped while sending.', network((one) => one.sent.dropped)],
  ['container_processes', 'gauge', 'Processes that run in it.', processes((seen) => seen.processes)],
  ['container_file_descriptors', 'gauge', 'Open files of its processes.', processes((seen) => seen.descriptors)],
  ['container_sockets', 'gauge', 'Sockets in its network namespace, where it has one of its own.', (one, emit) => emit(one.facts?.ownNetwork ? one.processes?.sockets : undefined)],
  ['container_ulimits_soft', 'gauge', 'Soft limits of its first process; -1: none.', (one, emit) => emit(limit(one.processes?.openFilesLimit), 'ulimit="max_open_files"')],
  [
    'container_tasks_state',
    'gauge',
    'Threads by what they do. One that waits for a device is uninterruptible.',
    (one, emit) => {
      for (const state of TASK_STATES) emit(one.processes?.states[state], `state="${state}"`);
    },
  ],
  ['container_cpu_load_average_10s', 'gauge', 'Thousandths of a runnable thread, damped over ten seconds, as of the looks at its processes.', processes((seen) => seen.load && Math.trunc(seen.load.average * 1000))],
  ['container_threads', 'gauge', 'Threads that run in it.', (one, emit) => emit(one.usage.pids?.current)],
  ['container_threads_max', 'gauge', 'Most threads that may; 0: no limit.', (one, emit) => emit(one.usage.pids && finite(one.usage.pids.limit))],
  ['container_spec_cpu_quota', 'gauge', 'CPU quota, microseconds a period.', spec((facts) => facts.limits.cpuQuota)],
  ['container_spec_cpu_period', 'gauge', 'Period of the CPU quota, microseconds.', spec((facts) => facts.limits.cpuPeriod)],
  ['container_spec_cpu_shares', 'gauge', 'CPU shares.', spec((facts) => facts.limits.cpuShares)],
  ['container_spec_memory_limit_bytes', 'gauge', 'Memory limit; 0: none.', (one, emit) => emit(one.facts && one.usage.memory && finite(one.usage.memory.limitBytes))],
  ['container_spec_memory_reservation_limit_bytes', 'gauge', 'Memory kept for it; 0: none.', spec((facts) => facts.limits.memoryReservationBytes)],
  ['container_spec_memory_swap_limit_bytes', 'gauge', 'Limit of memory and swap together; 0: none.', spec((facts) => facts.limits.memorySwapBytes)],
  ['container_start_time_seconds', 'gauge', 'Start of this run, since 1970.', (one, emit) => emit(one.startedAt)],
  ['container_health_state', 'gauge', "Result of its health check: 1 healthy, 0 not, -1 it has none.", spec((facts) => (facts.healthy === undefined ? (facts.healthcheck ? 0 : -1) : Number(facts.healthy)))],
  ['container_creation_time_seconds', 'gauge', 'When it was created, since 1970.', spec((facts) => facts.createdAt)],
];

/** All series of what was scraped, family by family. */
export function writeContainers(scraped: readonly Scraped[], around: Surroundings, out: Exposition): void {
  const encoded = scraped.map((one) => Buffer.from(one.labels));
  for (const [name, type, help, write] of FAMILIES) {
    out.family(name, type, help);
    let labels: Uint8Array = new Uint8Array();
    const emit: Emit = (value, more) => {
      if (value !== undefined) out.sample(labels, value, more);
    };
    scraped.forEach((one, index) => {
      labels = encoded[index] ?? labels;
      write(one, emit, around);
    });
  }
}

/** A container's side of its veth pair, from the host's side of it: what the host sent, it received. */
export function seenFromWithin(name: string, { received, sent }: LinkCounters): Scraped['interfaces'][number] {
  return { name, received: sent, sent: received };
}
