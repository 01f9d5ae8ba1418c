import type { DiskCount, UsageSample } from '#contracts/executor/usage.js';
import type { CgroupLayout } from '#libs/cgroup/layout.js';
import { type ReadCgroupFile, usageOf } from '#libs/cgroup/usage.js';
import type { LinkCounters } from '#libs/netlink/link-counters.js';

export interface SampledTask {
  readonly container: string;
  readonly mode: CgroupLayout['mode'];
  readonly read: ReadCgroupFile;
  /** The machine's: what a container without a limit may have. */
  readonly memoryBytes: number;
  /** The host's side of its veth pair. */
  readonly link?: LinkCounters;
}

/** One reading of a task's cgroup and link. */
export function usageSample({ container, mode, read, memoryBytes, link }: SampledTask): UsageSample {
  const { cpu, memory, pids, disks = [] } = usageOf(mode, read);
  const perCpu = mode === 'v2' ? undefined : read('cpuacct', 'cpuacct.usage_percpu');
  return {
    container,
    ...(cpu && { cpu: { ...cpu, ...(perCpu !== undefined && { perCpuNanoseconds: perCpu.trim().split(' ').map(Number) }) } }),
    ...(memory && { memory: { ...memory, limitBytes: Math.min(memory.limitBytes, memoryBytes) } }),
    ...(pids && { pids: { current: pids.current, ...(Number.isFinite(pids.limit) && { limit: pids.limit }) } }),
    ...(mode === 'v2'
      ? { diskBytes: disks.flatMap(({ device, readBytes, writeBytes }) => [diskCount(device, 'read', readBytes), diskCount(device, 'write', writeBytes)]) }
      : { diskBytes: diskLines(read('blkio', 'blkio.throttle.io_service_bytes_recursive')), diskOperations: diskLines(read('blkio', 'blkio.throttle.io_serviced_recursive')) }),
    // What the host sent, the container received.
    ...(link && { network: { name: 'eth0', received: link.sent, sent: link.received } }),
  };
}

/** Lines "8:0 Read 4096"; the last, "Total 4096", is of all devices and left out (kernel: admin-guide/cgroup-v1/blkio-controller). */
function diskLines(text: string | undefined): readonly DiskCount[] {
  return Array.from((text ?? '').matchAll(/^(\d+:\d+) (\w+) (\d+)$/gm), ([, device = '', operation = '', value]) => diskCount(device, operation, Number(value)));
}

function diskCount(device: string, operation: string, value: number): DiskCount {
  const [major, minor] = device.split(':').map(Number);
  return { major: major ?? 0, minor: minor ?? 0, operation, value };
}
