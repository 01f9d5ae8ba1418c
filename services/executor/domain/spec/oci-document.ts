import type { LaunchExec, TaskProcess, TaskResources, TaskSecurity } from '#contracts/executor/tasks.js';
import { cpuBandwidth, type DeviceThrottle } from '#libs/cgroup/limits.js';
import { exactJson } from '#libs/oci/exact-json.js';
import { ociSeccomp } from '../seccomp/oci-seccomp.js';
import { effectiveCapabilities, execCapabilities } from './capabilities.js';
import type { ContainerUser } from './container-user.js';
import { DEFAULT_DEVICES } from './devices.js';
import { environment } from './environment.js';
import { rlimitOf } from './rlimits.js';
import type { CapabilitySets, Process, Rlimit, RuntimeSpec } from './runtime-spec.js';

/** What the specification wants as numbers, and only this host and this container's files can tell. */
export interface DocumentFacts {
  readonly user: ContainerUser;
  /** What the executor itself may give: a runtime that is asked for more fails. */
  readonly capabilities: readonly string[];
  /** AppArmor profile of an exec; absent: the host has none. A container's is in its spec. */
  readonly apparmorProfile?: string;
  /** Limits of block devices, by their numbers. */
  readonly throttles?: readonly DeviceThrottle[];
}

/** RLIM_INFINITY is no number of JavaScript; TypeScript's library does not know ES2026's rawJSON yet. */
const INFINITY = (JSON as JSON & { rawJSON(text: string): unknown }).rawJSON('18446744073709551615');

/**
 * config.json for an installed OCI runtime, of the same spec that the plan is compiled from: without what is Berth's own (how the root is made, names of users, a
 * compiled filter), with what Berth's plan has elsewhere (limits).
 */
export function ociDocument(spec: RuntimeSpec, task: { readonly security: TaskSecurity; readonly resources: TaskResources; readonly process: TaskProcess }, facts: DocumentFacts): string {
  const { linux, domainname, root } = spec;
  const capabilities = effectiveCapabilities(task.security);
  const seccomp = ociSeccomp(task.security, capabilities);
  return exactJson({
    // Nothing here is newer, and older runtimes refuse a version that they do not know.
    ociVersion: '1.0.2',
    hostname: spec.hostname,
    ...(spec.annotations ? { annotations: spec.annotations } : {}),
    process: processOf(spec.process, task.process, facts),
    root: { path: root.path, readonly: root.readonly },
    ...(spec.hooks ? { hooks: spec.hooks } : {}),
    mounts: spec.mounts.map(({ shared: _shared, readonlyAlone: _alone, ...mount }) => mount),
    linux: {
      namespaces: linux.namespaces,
      ...(linux.uidMappings ? { uidMappings: linux.uidMappings, gidMappings: linux.gidMappings } : {}),
      // The others every runtime makes by itself, and some not a second time.
      devices: linux.devices.filter((device) => !DEFAULT_DEVICES.includes(device)),
      cgroupsPath: linux.cgroupsPath,
      resources: { devices: linux.resources.devices.map((rule) => ({ access: 'rwm', ...rule })), ...resourcesOf(task.resources), ...blockIo(task.resources.blockWeight, facts.throttles ?? []) },
      // runc knows `domainname` from 1.2 on; the setting is the same thing to the kernel.
      sysctl: { ...linux.sysctl, ...(domainname === undefined ? {} : { 'kernel.domainname': domainname }) },
      ...(seccomp ? { seccomp } : {}),
      maskedPaths: linux.maskedPaths,
      readonlyPaths: linux.readonlyPaths,
      ...(linux.rootfsPropagation === undefined ? {} : { rootfsPropagation: linux.rootfsPropagation }),
    },
  });
}

/** process.json of an exec, as `runc exec --process` wants it. */
export function ociProcess({ process, security, privileged, ulimits }: Pick<LaunchExec, 'process' | 'security' | 'privileged' | 'ulimits'>, facts: DocumentFacts): string {
  const held = execCapabilities(security, privileged);
  const own: Process = {
    terminal: process.terminal,
    user: { username: process.user, additionalGroups: process.groups },
    args: process.args,
    env: environment(process.env, { hostname: '', terminal: process.terminal }),
    cwd: process.cwd || '/',
    capabilities: { bounding: held, effective: held, permitted: held, inheritable: [], ambient: [] },
    rlimits: ulimits.map(rlimitOf),
    noNewPrivileges: security.noNewPrivileges,
    ...(facts.apparmorProfile === undefined ? {} : { apparmorProfile: facts.apparmorProfile }),
  };
  return JSON.stringify(processOf(own, process, facts));
}

function processOf(process: Process, { rows, columns }: TaskProcess, { user, capabilities }: DocumentFacts): object {
  const { uid, gid, additionalGids, home } = user;
  return {
    ...process,
    ...(process.terminal && rows > 0 && columns > 0 ? { consoleSize: { height: rows, width: columns } } : {}),
    user: { uid, gid, additionalGids },
    // An empty one is none.
    env: process.env.some((variable) => /^HOME=./s.test(variable)) ? process.env : [...process.env.filter((variable) => variable !== 'HOME='), `HOME=${home}`],
    capabilities: Object.fromEntries(Object.entries(process.capabilities satisfies CapabilitySets).map(([set, names]: [string, readonly string[]]) => [set, names.filter((name) => capabilities.includes(name))])),
    rlimits: process.rlimits.map(({ type, soft, hard }: Rlimit) => ({ type, soft: limit(soft), hard: limit(hard) })),
  };
}

const limit = (value: number): unknown => (value < 0 ? INFINITY : value);

/** Docker's options in the specification's terms. Swap is limited only where it was asked for: a machine that does not account for it would refuse. */
function resourcesOf(r: TaskResources): object {
  const memory = { ...(r.memoryBytes ? { limit: r.memoryBytes } : {}), ...(r.memorySwapBytes ? { swap: r.memorySwapBytes } : {}), ...(r.memoryReservationBytes ? { reservation: r.memoryReservationBytes } : {}), ...(r.swappiness === undefined ? {} : { swappiness: r.swappiness }), ...(r.oomKillDisable ? { disableOOMKiller: true } : {}) };
  const realtime = { ...(r.cpuRealtimePeriod ? { realtimePeriod: r.cpuRealtimePeriod } : {}), ...(r.cpuRealtimeRuntime ? { realtimeRuntime: r.cpuRealtimeRuntime } : {}) };
  const cpu = { ...cpuBandwidth(r), ...realtime, ...(r.cpuShares ? { shares: r.cpuShares } : {}), ...(r.cpusetCpus ? { cpus: r.cpusetCpus } : {}), ...(r.cpusetMems ? { mems: r.cpusetMems } : {}) };
  return { ...(Object.keys(memory).length > 0 ? { memory } : {}), ...(Object.keys(cpu).length > 0 ? { cpu } : {}), ...(r.pidsLimit ? { pids: { limit: r.pidsLimit } } : {}) };
}

/** config-linux.md, "Block IO" */
function blockIo(weight: number | undefined, throttles: readonly DeviceThrottle[]): object {
  const names = { 'read-bytes': 'throttleReadBpsDevice', 'write-bytes': 'throttleWriteBpsDevice', 'read-operations': 'throttleReadIOPSDevice', 'write-operations': 'throttleWriteIOPSDevice' } as const;
  const lists: Record<string, object[]> = {};
  for (const { major, minor, limits, rate } of throttles) (lists[names[limits]] ??= []).push({ major, minor, rate });
  return weight || throttles.length > 0 ? { blockIO: { ...(weight ? { weight } : {}), ...lists } } : {};
}
