import type { ContainerMount } from '#contracts/containers/container-state.js';
import type { LaunchTask } from '#contracts/executor/tasks.js';
import { effectiveCapabilities } from './capabilities.js';
import { rlimitOf } from './rlimits.js';
import type { Device, DeviceCgroupRule, Mount, RuntimeSpec } from './runtime-spec.js';

/** Where things are on this host for one run. */
export interface SpecHost {
  /** Holds hosts, hostname and resolv.conf. */
  readonly containerDirectory: string;
  readonly layersDirectory: string;
  /** Top first, names below `layersDirectory`. */
  readonly layerNames: readonly string[];
  readonly upper: string;
  readonly work: string;
  /** An empty directory that the root is mounted on. */
  readonly rootTarget: string;
  readonly cgroupDirectories: readonly string[];
  readonly cgroupsPath: string;
  /** Network namespace to join; absent: the host's. */
  readonly sandboxPath?: string;
  readonly cgroupMode: 'v1' | 'hybrid' | 'v2';
  /** Program that --init puts in front. */
  readonly initPath: string;
}

export type LaunchFields = Omit<LaunchTask, 'reply'>;

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const MASKED = ['/proc/asound', '/proc/acpi', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug', '/proc/scsi', '/sys/firmware', '/sys/devices/virtual/powercap'];
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

const DEVICES: readonly Device[] = (
  [['null', 1, 3], ['zero', 1, 5], ['full', 1, 7], ['random', 1, 8], ['urandom', 1, 9], ['tty', 5, 0]] as const
).map(([name, major, minor]) => ({ path: `/dev/${name}`, type: 'c', major, minor, fileMode: 0o666, uid: 0, gid: 0 }));

/** What Docker lets a container do with devices: make any node, use the harmless ones and its own terminals. */
const DEVICE_RULES: readonly DeviceCgroupRule[] = [
  { allow: false },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[[1, 3], [1, 5], [1, 7], [1, 8], [1, 9], [5, 0], [5, 1], [5, 2]].map(([major = 0, minor = 0]): DeviceCgroupRule => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

/** The OCI runtime spec of one run, with Docker's defaults. Pure: everything of the host comes in `host`. */
export function buildSpec(task: LaunchFields, host: SpecHost): RuntimeSpec {
  const { process, security } = task;
  const set = effectiveCapabilities(security);
  return {
    ociVersion: '1.2.0',
    hostname: task.hostname,
    domainname: task.domainname,
    process: {
      terminal: process.terminal,
      user: { username: process.user, additionalGroups: process.groups },
      args: task.init ? ['/sbin/docker-init', '--', ...process.args] : process.args,
      env: environment(task),
      cwd: process.cwd,
      capabilities: { bounding: set, effective: set, permitted: set, inheritable: [], ambient: [] },
      rlimits: task.ulimits.map(rlimitOf),
      noNewPrivileges: security.noNewPrivileges,
      ...(task.oomScoreAdj === undefined ? {} : { oomScoreAdj: task.oomScoreAdj }),
    },
    root: { path: host.rootTarget, readonly: task.readOnlyRoot, overlay: { baseDirectory: host.layersDirectory, lower: host.layerNames, upper: host.upper, work: host.work } },
    mounts: [...kernelMounts(task), ...fileMounts(task, host), ...task.mounts.map(userMount)],
    linux: {
      namespaces: [
        { type: 'mount' },
        { type: 'pid' },
        { type: 'ipc' },
        ...(task.network.mode === 'host' ? [] : ([{ type: 'network', ...(host.sandboxPath ? { path: host.sandboxPath } : {}) }] as const)),
        { type: 'uts' },
        { type: 'cgroup' },
      ],
      devices: DEVICES,
      cgroupsPath: host.cgroupsPath,
      resources: { devices: security.privileged ? [{ allow: true }] : DEVICE_RULES },
      sysctl: task.sysctls,
      maskedPaths: security.privileged ? [] : MASKED,
      readonlyPaths: security.privileged ? [] : READ_ONLY,
    },
  };
}

function environment(task: LaunchFields): string[] {
  const given = new Set(task.process.env.map((variable) => variable.split('=', 1)[0]));
  const defaults = [DEFAULT_PATH, `HOSTNAME=${task.hostname}`, ...(task.process.terminal ? ['TERM=xterm'] : [])];
  return [...defaults.filter((variable) => !given.has(variable.split('=', 1)[0])), ...task.process.env];
}

function kernelMounts({ security, shmSizeBytes }: LaunchFields): Mount[] {
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', security.privileged ? 'rw' : 'ro'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${shmSizeBytes}`] },
  ];
}

/** The files that name the container and its neighbours, and the program of --init. */
function fileMounts(task: LaunchFields, host: SpecHost): Mount[] {
  const taken = new Set(task.mounts.map((mount) => mount.target));
  const files = ['resolv.conf', 'hostname', 'hosts']
    .filter((name) => !taken.has(`/etc/${name}`))
    .map((name): Mount => ({ destination: `/etc/${name}`, type: 'bind', source: `${host.containerDirectory}/${name}`, options: ['rbind', 'rprivate'] }));
  return task.init ? [...files, { destination: '/sbin/docker-init', type: 'bind', source: host.initPath, options: ['bind', 'ro'] }] : files;
}

function userMount(mount: ContainerMount): Mount {
  const access = mount.readOnly ? 'ro' : 'rw';
  if (mount.type === 'tmpfs') {
    const asked = (mount.options ?? '').split(',').filter((option) => option !== '' && option !== 'ro' && option !== 'rw');
    return { destination: mount.target, type: 'tmpfs', source: 'tmpfs', options: ['noexec', 'nosuid', 'nodev', ...asked, access] };
  }
  return { destination: mount.target, type: 'bind', source: mount.source, options: ['rbind', access, mount.propagation || 'rprivate'] };
}
