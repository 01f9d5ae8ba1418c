import type { ContainerConfig, HostConfig, LimitChanges } from '#contracts/containers/container-config.js';
import { LARGEST_INTEGER } from '#contracts/containers/field-shapes.js';
import { invalid, notImplemented } from '#libs/errors/errors.js';

export const DEFAULT_SHM_BYTES = 64 * 1024 * 1024;
const LEAST_MEMORY_BYTES = 6 * 1024 * 1024;

/** Every name of capabilities(7), without CAP_. */
const CAPABILITIES = new Set(
  ('CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO ' +
    'SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM ' +
    'BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE ALL').split(' '),
);

/** Limits that contradict each other or the machine, which has `cpus` CPUs. Throws invalid with dockerd's words. */
export function checkResources(host: HostConfig, cpus: number): void {
  checkMemory(host);
  checkCpus(host, cpus);
  checkCpuRealtime(host);
  checkCpuset('cpus', host.CpusetCpus, cpus);
  const { OomScoreAdj: score = 0, ShmSize: shm = 0 } = host;
  if (score < -1000 || score > 1000) throw invalid(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  if (shm < 0) throw invalid('SHM size can not be less than 0');
  for (const [option, names] of [['CapAdd', host.CapAdd], ['CapDrop', host.CapDrop]] as const) {
    for (const name of names ?? []) {
      const plain = name.toUpperCase().replace(/^CAP_/, '');
      if (!CAPABILITIES.has(plain)) throw invalid(`invalid ${option}: unknown capability: "CAP_${plain}"`);
    }
  }
}

/** The same of changes to a container that has `host`: only what changes can be wrong, and a limit of swap goes with the memory that is there. */
export function checkChangedResources(host: HostConfig, changes: LimitChanges, cpus: number): void {
  const { RestartPolicy: _policy, ...limits } = changes;
  checkResources({ ...limits, ...(changes.MemorySwap && !changes.Memory && host.Memory ? { Memory: host.Memory } : {}) }, cpus);
}

function checkMemory({ Memory: memory = 0, MemorySwap: swap = 0, MemoryReservation: reservation = 0, MemorySwappiness }: HostConfig): void {
  const swappiness = MemorySwappiness ?? -1;
  if (memory !== 0 && memory < LEAST_MEMORY_BYTES) throw invalid('Minimum memory limit allowed is 6MB');
  if (memory > 0 && swap > 0 && swap < memory) throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  if (memory === 0 && swap > 0) throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  if (reservation > 0 && reservation < LEAST_MEMORY_BYTES) throw invalid('Minimum memory reservation allowed is 6MB');
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100)) throw invalid(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  if (memory > 0 && memory < reservation) throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
}

function checkCpus({ NanoCpus: nano = 0, CpuPeriod: period = 0, CpuQuota: quota = 0, CpuShares: shares = 0 }: HostConfig, cpus: number): void {
  if (nano > 0 && period > 0) throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  if (nano > 0 && quota > 0) throw invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  if (nano < 0 || nano > cpus * 1e9) throw invalid(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  if (period !== 0 && (period < 1000 || period > 1_000_000)) throw invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  // What a cgroup does not take besides is told at the start, as of dockerd.
  if (shares < 0) throw invalid(`invalid CPU shares (${shares}): value must be a positive integer`);
  if (quota > 0 && quota < 1000) throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
}

function checkCpuRealtime({ CpuRealtimePeriod: period = 0, CpuRealtimeRuntime: runtime = 0 }: HostConfig): void {
  if (period !== 0 && runtime !== 0 && runtime > period) throw invalid('cpu real-time runtime cannot be higher than cpu real-time period');
}

/** Throws invalid for memory nodes beyond `available`, "0" or "0-3". */
export function checkMemoryNodes({ CpusetMems: asked }: HostConfig, available: string): void {
  if (!asked) return;
  if (!isCpuList(asked)) throw invalid(`Invalid value ${asked} for cpuset mems: invalid format: ${asked}`);
  const highest = Math.max(...asked.split(/[-,]/).map(Number));
  if (highest > Math.max(...available.split(/[-,]/).map(Number))) throw invalid(`Requested memory nodes are not available - requested ${asked}, available: ${available}`);
}

/** "0-3,5": no range goes backwards. */
const isCpuList = (text: string): boolean => /^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text) && text.split(',').every((range) => Number(range.split('-')[0]) <= Number(range.split('-').at(-1)));

function checkCpuset(what: string, text: string | undefined, cpus: number): void {
  if (!text) return;
  if (!isCpuList(text)) throw invalid(`Invalid value ${text} for cpuset ${what}: invalid format: ${text}`);
  const highest = Math.max(...text.split(/[-,]/).map(Number));
  if (highest >= cpus) throw invalid(`Requested CPUs are not available - requested ${text}, available: ${cpus === 1 ? '0' : `0-${cpus - 1}`}`);
}

export function checkEnvironment(config: ContainerConfig): void {
  for (const variable of config.Env ?? []) if (variable === '' || variable.startsWith('=')) throw invalid(`invalid environment variable: ${variable}`);
}

/** What was left open and follows from the rest, such as twice the memory for memory and swap together; what stands for no limit is none. */
export function withResourceDefaults(host: HostConfig): HostConfig {
  const { Memory: memory, MemorySwap: swap, MemorySwappiness: swappiness, PidsLimit: pids, ShmSize: shm } = host;
  return {
    ...host,
    ...(memory && !swap ? { MemorySwap: Math.min(memory * 2, LARGEST_INTEGER) } : {}),
    ...(swappiness === -1 ? { MemorySwappiness: null } : {}),
    ...(typeof pids === 'number' && pids <= 0 ? { PidsLimit: null } : {}),
    ShmSize: shm || DEFAULT_SHM_BYTES,
  };
}

/** What this kernel lacks of what limits need. */
export interface LimitFacts {
  readonly cgroupVersion: '1' | '2';
  readonly blockWeight: boolean;
  readonly cpuRealtime: boolean;
}

/** The wish as far as this machine's kernel goes, and dockerd's warnings for the rest. Throws invalid for real-time limits that it lacks. */
export function withinKernel(host: HostConfig, facts: LimitFacts): { host: HostConfig; warnings: string[] } {
  const { OomKillDisable: oomKillDisable, MemorySwappiness: swappiness, BlkioWeight: weight, BlkioWeightDevice: deviceWeights, ...rest } = host;
  const kept = { ...rest };
  const warnings: string[] = [];
  if (asksForRealtime(host) && !facts.cpuRealtime) throw invalid('kernel does not support CPU real-time scheduler');
  if (weight && !facts.blockWeight) warnings.push('Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.');
  else if (weight && (weight < 10 || weight > 1000)) throw invalid('Range of blkio weight is from 10 to 1000');
  else if (weight !== undefined) Object.assign(kept, { BlkioWeight: weight });
  if (deviceWeights?.length && facts.blockWeight) throw notImplemented('Berth does not support HostConfig.BlkioWeightDevice yet');
  if (deviceWeights) Object.assign(kept, { BlkioWeightDevice: [] });
  if (deviceWeights?.length) warnings.push('Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.');
  const isV2 = facts.cgroupVersion === '2';
  if (typeof swappiness === 'number' && swappiness !== -1 && isV2) warnings.push('Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.');
  else if (swappiness !== undefined) Object.assign(kept, { MemorySwappiness: swappiness === -1 ? null : swappiness });
  if (oomKillDisable && isV2) warnings.push('Your kernel does not support OomKillDisable. OomKillDisable discarded.');
  else if (oomKillDisable !== undefined) Object.assign(kept, { OomKillDisable: oomKillDisable });
  if (oomKillDisable && !isV2 && !host.Memory) warnings.push('OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.');
  return { host: kept, warnings };
}

const asksForRealtime = ({ CpuRealtimePeriod, CpuRealtimeRuntime }: HostConfig): boolean => Boolean(CpuRealtimePeriod || CpuRealtimeRuntime);

export const needsKernelFacts = (host: HostConfig): boolean => Boolean(host.BlkioWeight || host.BlkioWeightDevice?.length || host.OomKillDisable || host.CpusetMems || asksForRealtime(host)) || (host.MemorySwappiness ?? -1) !== -1;

/** What is taken, and has no effect. */
export function createWarnings({ ExposedPorts: exposed }: Pick<ContainerConfig, 'ExposedPorts'>, host: HostConfig): string[] {
  const published = Object.entries(host.PortBindings ?? {}).flatMap(([port, bindings]) => (bindings !== null && bindings.length > 0 ? [port] : []));
  if (host.NetworkMode === 'host') return published.length > 0 ? ['Published ports are discarded when using host network mode'] : [];
  return published.filter((port) => !Object.hasOwn(exposed ?? {}, port)).map((port) => `Port ${port} is not published, since it is not exposed: ExposedPorts lacks it`);
}
