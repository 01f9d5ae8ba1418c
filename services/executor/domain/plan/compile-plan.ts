import { capabilityMask } from '../spec/capabilities.js';
import { rlimitNumber, rlimitValue } from '../spec/rlimits.js';
import type { Mount, RuntimeSpec } from '../spec/runtime-spec.js';
import { type Plan, planOf } from './encode-plan.js';
import type { PlanSettings, PlanStep } from './plan-table.js';

/** What a plan needs and the spec does not say. */
export interface PlanRun
  extends Pick<PlanSettings, 'taskDirectory' | 'logPath' | 'logMaxBytes' | 'logMaxFiles' | 'socketGroup' | 'tickets' | 'terminal' | 'rows' | 'columns' | 'openStdin' | 'stdinOnce'> {
  readonly cgroupDirectories: readonly string[];
  /** Limits, in this order. */
  readonly cgroupWrites: readonly { readonly path: string; readonly data: string; readonly optional: boolean }[];
  /** The file that counts oom kills; "": none. */
  readonly oomPath: string;
}

/** namespaces(7) */
const CLONE = { mount: 0x20000, cgroup: 0x2000000, uts: 0x4000000, ipc: 0x8000000, pid: 0x20000000, network: 0x40000000 } as const;

/** mount(2) */
const MOUNT_FLAGS: Readonly<Record<string, number>> = { ro: 1, nosuid: 2, nodev: 4, noexec: 8, sync: 16, noatime: 1024, nodiratime: 2048, strictatime: 1 << 24 };
const NO_FLAGS = new Set(['rw', 'exec', 'suid', 'dev', 'bind', 'rbind']);
const MS_REC = 0x4000;
const PROPAGATION: Readonly<Record<string, number>> = { private: 1 << 18, rprivate: (1 << 18) | MS_REC, slave: 1 << 19, rslave: (1 << 19) | MS_REC, shared: 1 << 20, rshared: (1 << 20) | MS_REC };

const LINKS = [['/proc/self/fd', '/dev/fd'], ['/proc/self/fd/0', '/dev/stdin'], ['/proc/self/fd/1', '/dev/stdout'], ['/proc/self/fd/2', '/dev/stderr'], ['/proc/kcore', '/dev/core'], ['pts/ptmx', '/dev/ptmx']] as const;

const child = (from: string) => ({ actor: 'child', from }) as const;

/** The steps, in the one order that works: cgroups, namespaces, root, mounts, devices, console, masks, pivot, then the process gives up its rights and executes. */
export function compilePlan(spec: RuntimeSpec, run: PlanRun): Plan {
  const { cgroupDirectories, cgroupWrites, oomPath, ...settings } = run;
  const { linux, process, root } = spec;
  const has = (type: string): boolean => linux.namespaces.some((namespace) => namespace.type === type);
  const namespaces = linux.namespaces.reduce((flags, { type, path }) => (path === undefined && type !== 'cgroup' ? flags | CLONE[type] : flags), 0);
  const steps: PlanStep[] = [
    ...cgroupDirectories.map((path): PlanStep => ({ op: 'mkdir_host', actor: 'parent', from: 'linux.cgroupsPath', path, mode: 0o755 })),
    ...cgroupWrites.map(({ path, data, optional }): PlanStep => ({ op: optional ? 'write_file_optional' : 'write_file', actor: 'parent', from: 'linux.resources', path, data: Buffer.from(data) })),
    ...linux.namespaces.flatMap((namespace, index): PlanStep[] => (namespace.path ? [{ op: 'join_namespace', ...child(`linux.namespaces[${index}]`), path: namespace.path, flag: CLONE[namespace.type] }] : [])),
    ...(has('cgroup') ? [{ op: 'unshare', ...child('linux.namespaces'), flags: CLONE.cgroup } as const] : []),
    ...(spec.hostname && has('uts') ? [{ op: 'set_hostname', ...child('hostname'), name: spec.hostname } as const] : []),
    ...(spec.domainname && has('uts') ? [{ op: 'set_domainname', ...child('domainname'), name: spec.domainname } as const] : []),
    { op: 'private_propagation', ...child('linux.rootfsPropagation') },
    { op: 'overlay_root', ...child('root'), ...root.overlay, target: root.path, options: '' },
    ...spec.mounts.map((mount, index) => mountStep(mount, `mounts[${index}]`)),
    ...linux.devices.map(({ path, type, fileMode, major, minor, uid, gid }, index): PlanStep => ({ op: 'make_node', ...child(`linux.devices[${index}]`), target: path, type, mode: fileMode, major, minor, uid, gid })),
    ...LINKS.map(([target, link]): PlanStep => ({ op: 'make_symlink', ...child('linux.devices'), target, link })),
    ...(process.terminal ? [{ op: 'setup_console', ...child('process.terminal'), bindConsole: true } as const] : []),
    ...Object.entries(linux.sysctl).map(([name, value]): PlanStep => ({ op: 'sysctl', ...child(`linux.sysctl.${name}`), name, value })),
    ...linux.maskedPaths.map((path, index): PlanStep => ({ op: 'mask_path', ...child(`linux.maskedPaths[${index}]`), path })),
    ...linux.readonlyPaths.map((path, index): PlanStep => ({ op: 'readonly_path', ...child(`linux.readonlyPaths[${index}]`), path })),
    { op: 'pivot_root', ...child('root.path') },
    ...(root.readonly ? [{ op: 'readonly_root', ...child('root.readonly') } as const] : []),
    ...processSteps(spec),
    ...(oomPath === '' ? [] : [{ op: 'read_oom', actor: 'exit', from: 'linux.cgroupsPath', path: oomPath } as const]),
    ...cgroupDirectories.map((path): PlanStep => ({ op: 'rmdir_cgroup', actor: 'exit', from: 'linux.cgroupsPath', path })),
  ];
  return planOf({ ...settings, socketMode: 0o660, shimCgroupPaths: [], namespaces, cgroupPaths: cgroupDirectories }, steps);
}

/** A filter needs no_new_privs or CAP_SYS_ADMIN: without the one it is loaded before capabilities are given up. */
function processSteps({ process, linux }: RuntimeSpec): PlanStep[] {
  const { bounding, effective, permitted, inheritable, ambient } = process.capabilities;
  const seccomp: PlanStep[] = linux.seccomp ? [{ op: 'seccomp', ...child('linux.seccomp'), program: linux.seccomp.program, flags: 0 }] : [];
  const identity: PlanStep[] = [
    { op: 'set_user', ...child('process.user'), user: process.user.username, extraGroups: process.user.additionalGroups },
    { op: 'capabilities', ...child('process.capabilities'), bounding: capabilityMask(bounding), effective: capabilityMask(effective), permitted: capabilityMask(permitted), inheritable: capabilityMask(inheritable), ambient: capabilityMask(ambient) },
  ];
  return [
    ...process.rlimits.map(({ type, soft, hard, optional }, index): PlanStep => ({ op: 'set_rlimit', ...child(`process.rlimits[${index}]`), resource: rlimitNumber(type), soft: rlimitValue(soft), hard: rlimitValue(hard), optional: optional ?? false })),
    ...(process.oomScoreAdj === undefined ? [] : [{ op: 'oom_score_adj', ...child('process.oomScoreAdj'), value: String(process.oomScoreAdj), optional: false } as const]),
    { op: 'chdir', ...child('process.cwd'), path: process.cwd, create: true },
    ...(process.noNewPrivileges ? [{ op: 'no_new_privileges', ...child('process.noNewPrivileges') } as const, ...identity, ...seccomp] : [...seccomp, ...identity]),
    { op: 'exec', ...child('process.args'), args: process.args, env: process.env },
  ];
}

function mountStep(mount: Mount, from: string): PlanStep {
  const flags = mount.options.reduce((sum, option) => sum | (MOUNT_FLAGS[option] ?? 0), 0);
  if (mount.type === 'bind') {
    const propagation = mount.options.reduce((sum, option) => sum | (PROPAGATION[option] ?? 0), 0);
    return { op: 'bind_mount', ...child(from), source: mount.source, target: mount.destination, recursive: mount.options.includes('rbind'), readonly: mount.options.includes('ro'), propagation, attributes: 0 };
  }
  const data = mount.options.filter((option) => MOUNT_FLAGS[option] === undefined && PROPAGATION[option] === undefined && !NO_FLAGS.has(option));
  return { op: 'mount_fs', ...child(from), type: mount.type, source: mount.source, target: mount.destination, flags, data: data.join(',') };
}
