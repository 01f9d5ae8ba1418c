import { posix } from 'node:path';
import type { Mount } from '../spec/runtime-spec.js';
import type { PlanStep } from './plan-table.js';

/** mount(2) */
const MS_RDONLY = 1;
const MS_REMOUNT = 32;
const MS_BIND = 4096;
const MS_REC = 0x4000;
const MS_PRIVATE = 1 << 18;
const FLAGS: Readonly<Record<string, number>> = {
  ro: MS_RDONLY, nosuid: 2, nodev: 4, noexec: 8, sync: 16, dirsync: 128, noatime: 1024, nodiratime: 2048, relatime: 1 << 21, strictatime: 1 << 24, lazytime: 1 << 25,
};
const PROPAGATION: Readonly<Record<string, number>> = {
  private: MS_PRIVATE, rprivate: MS_PRIVATE | MS_REC, slave: 1 << 19, rslave: (1 << 19) | MS_REC, shared: 1 << 20, rshared: (1 << 20) | MS_REC,
};
/** Words of mount(8) that take a flag away, or say what is so anyway. */
const PLAIN = new Set(['rw', 'suid', 'dev', 'exec', 'async', 'atime', 'diratime', 'defaults', 'bind', 'rbind']);
/** MOUNT_ATTR_* of nosuid, nodev and noexec have the same values as MS_*. */
const BIND_ATTRIBUTES = 2 | 4 | 8;

export interface CgroupPlace {
  readonly cgroupsPath: string;
  readonly cgroupDirectories: readonly string[];
}

/** One mount of the spec as steps of the child; a v1 cgroup mount is several. */
export function mountSteps(mount: Mount, from: string, place: CgroupPlace): readonly PlanStep[] {
  const at = { actor: 'child', from } as const;
  const { type, source, destination: target, options, below = '', readonlyAlone: alone = false } = mount;
  const flags = sum(FLAGS, options);
  if (type === 'bind') {
    const propagation = sum(PROPAGATION, options);
    const bind = { ...at, source, target, recursive: options.includes('rbind'), readonly: options.includes('ro') || options.includes('rro'), propagation, attributes: flags & BIND_ATTRIBUTES };
    return [below !== '' || alone ? { op: 'bind_part', ...bind, below, alone } : { op: 'bind_mount', ...bind }];
  }
  if (mount.shared) return [{ op: 'share_mount', ...at, mountNamespace: mount.shared.mountNamespace, pidNamespace: mount.shared.pidNamespace ?? '', source: target, target, attributes: flags & BIND_ATTRIBUTES }];
  if (type === 'cgroup') return cgroupSteps(mount, from, place);
  const data = options.filter((option) => !Object.hasOwn(FLAGS, option) && !Object.hasOwn(PROPAGATION, option) && !PLAIN.has(option)).join(',');
  return [{ op: 'mount_fs', ...at, type, source, target, flags, data }];
}

/** v1: a directory a hierarchy, showing the container's own cgroup alone; where two controllers share one ("cpu,cpuacct") each has a link to it. */
function cgroupSteps({ destination, options }: Mount, from: string, { cgroupsPath, cgroupDirectories }: CgroupPlace): readonly PlanStep[] {
  const at = { actor: 'child', from } as const;
  const flags = sum(FLAGS, options) & BIND_ATTRIBUTES;
  const readonly = options.includes('ro');
  const suffix = posix.join('/', cgroupsPath);
  const hierarchies = cgroupDirectories
    .filter((directory) => directory.endsWith(suffix))
    .map((source) => ({ source, name: posix.basename(source.slice(0, -suffix.length)) }))
    // The v2 hierarchy of a hybrid machine holds no controller.
    .filter(({ name }) => name !== 'unified');
  return [
    { op: 'mount_fs', ...at, type: 'tmpfs', source: 'tmpfs', target: destination, flags, data: 'mode=755' },
    ...hierarchies.map(({ source, name }): PlanStep => ({ op: 'bind_mount', ...at, source, target: `${destination}/${name}`, recursive: false, readonly, propagation: MS_PRIVATE, attributes: flags })),
    ...hierarchies.flatMap(({ name }) => (name.includes(',') ? name.split(',').map((link): PlanStep => ({ op: 'make_symlink', ...at, target: name, link: `${destination}/${link}` })) : [])),
    ...(readonly ? [{ op: 'mount_fs', ...at, type: '', source: '', target: destination, flags: flags | MS_REMOUNT | MS_BIND | MS_RDONLY, data: '' } as const] : []),
  ];
}

const sum = (values: Readonly<Record<string, number>>, options: readonly string[]): number =>
  options.reduce((total, option) => (Object.hasOwn(values, option) ? total | (values[option] ?? 0) : total), 0);
