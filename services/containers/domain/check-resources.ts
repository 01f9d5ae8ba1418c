import type { ContainerConfig, HostConfig, LimitChanges } from '#contracts/containers/container-config.js';
import { invalid } from '#libs/errors/errors.js';

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

function checkMemory({ Memory: memory = 0, MemorySwap: swap = 0, MemoryReservation: reservation = 0 }: HostConfig): void {
  if (memory !== 0 && memory < LEAST_MEMORY_BYTES) throw invalid('Minimum memory limit allowed is 6MB');
  if (memory > 0 && swap > 0 && swap < memory) throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  if (memory === 0 && swap > 0) throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  if (reservation > 0 && reservation < LEAST_MEMORY_BYTES) throw invalid('Minimum memory reservation allowed is 6MB');
  if (memory > 0 && memory < reservation) throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
}

function checkCpus({ NanoCpus: nano = 0, CpuPeriod: period = 0, CpuQuota: quota = 0 }: HostConfig, cpus: number): void {
  if (nano > 0 && period > 0) throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  if (nano > 0 && quota > 0) throw invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  if (nano < 0 || nano > cpus * 1e9) throw invalid(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  if (period !== 0 && (period < 1000 || period > 1_000_000)) throw invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  if (quota > 0 && quota < 1000) throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
}

/** "0-3,5" */
function checkCpuset(what: string, text: string | undefined, cpus: number): void {
  if (!text) return;
  if (!/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text)) throw invalid(`Invalid value ${text} for cpuset ${what}: invalid format: ${text}`);
  const highest = Math.max(...text.split(/[-,]/).map(Number));
  if (highest >= cpus) throw invalid(`Requested CPUs are not available - requested ${text}, available: ${cpus === 1 ? '0' : `0-${cpus - 1}`}`);
}

export function checkEnvironment(config: ContainerConfig): void {
  for (const variable of config.Env ?? []) if (variable === '' || variable.startsWith('=')) throw invalid(`invalid environment variable: ${variable}`);
}

/** What was left open and follows from the rest: twice the memory for memory and swap together. */
export function withResourceDefaults(host: HostConfig): HostConfig {
  return host.Memory && !host.MemorySwap ? { ...host, MemorySwap: host.Memory * 2 } : host;
}

/** What is taken, and has no effect. */
export function createWarnings(host: HostConfig): string[] {
  const published = Object.values(host.PortBindings ?? {}).some((bindings) => bindings !== null && bindings.length > 0);
  return host.NetworkMode === 'host' && published ? ['Published ports are discarded when using host network mode'] : [];
}
