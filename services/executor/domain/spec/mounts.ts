import type { ContainerMount } from '#contracts/containers/container-state.js';
import type { LaunchTask } from '#contracts/executor/tasks.js';
import { invalid } from '#libs/errors/errors.js';
import type { CdiMount } from '../cdi/cdi-spec.js';
import type { Mount } from './runtime-spec.js';

type Asked = Pick<LaunchTask, 'hostNamespaces' | 'mounts' | 'security' | 'shmSizeBytes' | 'readOnlyRoot' | 'init'>;

export interface MountHost {
  readonly containerDirectory: string;
  readonly initPath: string;
  readonly cgroupMode: 'v1' | 'hybrid' | 'v2';
  readonly cgroupDirectories: readonly string[];
  readonly cgroupsPath: string;
  readonly userNamespace?: object;
  /** Of devices that were asked for by their names; each stands in for what else is at its place. */
  readonly cdi?: { readonly mounts: readonly CdiMount[] };
  /** Of the container whose processes, or whose IPC, it shares. */
  readonly joinedProcesses?: JoinedProcesses;
  readonly joinedIpc?: JoinedIpc;
}

/** Namespaces of a container that another is to be in, as paths of the host that lead to them and nothing else while the other is made. */
export interface JoinedProcesses {
  readonly pidNamespace: string;
  readonly mountNamespace: string;
}
export interface JoinedIpc {
  readonly ipcNamespace: string;
  readonly mountNamespace: string;
}

/** Of a read-only container's kernel file systems these stay writable. */
const WRITABLE = new Set(['/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue']);

/**
 * All mounts of a container, in their order: the kernel's file systems, then the engine's files and what the user asked for, by depth, so that none hides a
 * deeper one. The user's stands in for a default with the same target. Throws `invalid` for something else than procfs on /proc.
 */
export function mountsOf(task: Asked, host: MountHost): readonly Mount[] {
  // What the engine keeps for containers has their ids on the disk, whatever the host has for them. A bind is the host's as it is.
  const idmap = host.userNamespace ? ['idmap'] : [];
  const ofDevices = (host.cdi?.mounts ?? []).map(({ hostPath, containerPath, options }): Mount => ({ destination: containerPath, type: 'bind', source: hostPath, options: [...(options.some((option) => /^r?bind$/.test(option)) ? [] : ['rbind']), ...options] }));
  const replaced = new Set(ofDevices.map(({ destination }) => destination));
  // The later of two at one place is what is seen, and has its mode from the image, not from the other.
  const isCovered = ({ target }: ContainerMount, index: number): boolean => task.mounts.some((other, at) => at > index && other.target === target);
  const asked = [...task.mounts.filter((mount, index) => !replaced.has(mount.target) && !isCovered(mount, index)).map((mount) => userMount(mount, mount.type === 'volume' ? idmap : [])), ...ofDevices];
  // In runc's words. What reads /proc has to find procfs there (CVE-2019-16884).
  if (asked.some(({ destination, source }) => destination === '/proc' && source !== '/proc')) throw invalid('"/proc" cannot be mounted because it is not of type proc');
  const taken = new Set(asked.map(({ destination }) => destination));
  const free = ({ destination }: Mount): boolean => !taken.has(destination) && !(taken.has('/dev') && destination.startsWith('/dev/'));
  const files = ['resolv.conf', 'hostname', 'hosts'].map((name): Mount => ({ destination: `/etc/${name}`, type: 'bind', source: `${host.containerDirectory}/${name}`, options: ['rbind', ...(task.readOnlyRoot ? ['ro'] : []), 'rprivate', ...idmap] }));
  const init: readonly Mount[] = task.init ? [{ destination: '/sbin/docker-init', type: 'bind', source: host.initPath, options: ['bind', 'ro'] }] : [];
  const others = [...asked, ...[...files, ...init].filter(free)];
  return [...kernelMounts(task, host).filter(free), ...others.toSorted((one, other) => depth(one) - depth(other))];
}

function kernelMounts({ security, shmSizeBytes, readOnlyRoot, hostNamespaces = [] }: Asked, host: MountHost): readonly Mount[] {
  const access = security.privileged ? 'rw' : 'ro';
  const mounts: readonly Mount[] = [
    // A procfs shows the pid namespace of who mounts it. Who joins one comes in last, when it has nothing of the host's left to be seen there (do_join_task in the
    // shim), and so cannot mount it: it takes the other container's.
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'], ...(host.joinedProcesses ? { shared: host.joinedProcesses } : {}) },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', access] },
    cgroupMount(host, access, hostNamespaces.includes('cgroup')),
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    ...sharedMemory(shmSizeBytes, hostNamespaces.includes('ipc'), host.joinedIpc),
  ];
  if (!readOnlyRoot) return mounts;
  return mounts.map((mount) => (WRITABLE.has(mount.destination) || mount.options.includes('ro') ? mount : { ...mount, options: [...mount.options.filter((option) => option !== 'rw'), 'ro'] }));
}

/** The host's cgroups belong to the host's root, who alone may mount them anew: in a user namespace it is the mount that is there. */
function cgroupMount({ cgroupMode, cgroupDirectories: [own = ''], cgroupsPath, userNamespace }: MountHost, access: string, ofHost: boolean): Mount {
  const options = [access, 'nosuid', 'noexec', 'nodev'];
  if (cgroupMode === 'v2' && ofHost && userNamespace) return { destination: '/sys/fs/cgroup', type: 'bind', source: own.slice(0, -cgroupsPath.length), options: ['bind', 'rprivate', ...options] };
  return { destination: '/sys/fs/cgroup', type: cgroupMode === 'v2' ? 'cgroup2' : 'cgroup', source: 'cgroup', options };
}

/** None without a size. Who shares the System V objects of the host or of a container shares its POSIX ones (shm_overview(7)). */
function sharedMemory(bytes: number, ofHost: boolean, ofContainer: JoinedIpc | undefined): readonly Mount[] {
  if (ofContainer !== undefined) return [{ destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev'], shared: { mountNamespace: ofContainer.mountNamespace } }];
  if (ofHost) return [{ destination: '/dev/shm', type: 'bind', source: '/dev/shm', options: ['rbind', 'rprivate'] }];
  return bytes === 0 ? [] : [{ destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${BigInt(bytes)}`] }];
}

function userMount({ type, source, subpath, target, readOnly, readOnlyBelow, propagation, nonRecursive = false, options = '' }: ContainerMount, idmap: readonly string[]): Mount {
  const access = readOnly ? 'ro' : 'rw';
  if (type !== 'tmpfs') {
    const bindAccess = readOnly && readOnlyBelow === 'always' ? 'rro' : access;
    return {
      destination: target, type: 'bind', source, options: [nonRecursive ? 'bind' : 'rbind', bindAccess, propagation || 'rprivate', ...idmap],
      ...(subpath === undefined ? {} : { below: subpath }), ...(readOnlyBelow === 'never' ? { readonlyAlone: true } : {}),
    };
  }
  const asked = options.split(',').filter((option) => option !== '');
  const defaults = [['noexec', 'exec'], ['nosuid', 'suid'], ['nodev', 'dev']].flatMap(([option = '', opposite = '']) => (asked.includes(opposite) || asked.includes(option) ? [] : [option]));
  return { destination: target, type: 'tmpfs', source: 'tmpfs', options: [...defaults, ...asked, ...(asked.includes('ro') || asked.includes('rw') ? [] : [access])] };
}

const depth = ({ destination }: Mount): number => destination.split('/').filter((part) => part !== '').length;
