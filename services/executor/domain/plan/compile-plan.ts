import { posix } from 'node:path';
import type { Device, RuntimeSpec } from '../spec/runtime-spec.js';
import { type Plan, planOf } from './encode-plan.js';
import { mountSteps } from './mount-steps.js';
import type { PlanSettings, PlanStep } from './plan-table.js';
import { appArmorSteps, oomScoreSteps, rightsSteps, rlimitSteps } from './process-steps.js';
import { rootStep } from './root-step.js';
import { TIME_STEPS } from './step-times.js';
import { type EnteredNamespace, idMapsOf, inUserNamespace } from './user-namespace-steps.js';

/** What a plan needs and the spec does not say. */
export interface PlanRun
  extends Pick<PlanSettings, 'taskDirectory' | 'logPath' | 'logMaxBytes' | 'logMaxFiles' | 'socketGroup' | 'tickets' | 'terminal' | 'rows' | 'columns' | 'openStdin' | 'stdinOnce'> {
  readonly cgroupDirectories: readonly string[];
  /** Limits, in this order. */
  readonly cgroupWrites: readonly { readonly path: string; readonly data: string; readonly optional: boolean }[];
  /** Device rules as a program, and the cgroup it holds for, where v1 has no files for them. */
  readonly deviceFilter?: { readonly path: string; readonly program: Uint8Array } | undefined;
  /** The file that counts oom kills; "": none. */
  readonly oomPath: string;
}

/** namespaces(7) */
const CLONE = { user: 0x10000000, mount: 0x20000, cgroup: 0x2000000, uts: 0x4000000, ipc: 0x8000000, pid: 0x20000000, network: 0x40000000 } as const;

/** runtime-linux.md, "Dev symbolic links", and the terminals' multiplexer of the container's own devpts. */
const LINKS = [
  ['/proc/self/fd', '/dev/fd'], ['/proc/self/fd/0', '/dev/stdin'], ['/proc/self/fd/1', '/dev/stdout'], ['/proc/self/fd/2', '/dev/stderr'], ['/proc/kcore', '/dev/core'],
  ['pts/ptmx', '/dev/ptmx'],
] as const;

const child = (from: string) => ({ actor: 'child', from }) as const;

/** The steps, in the one order that works: cgroups, namespaces, root, mounts, devices, console, masks, pivot, then the process gives up its rights and executes. */
export function compilePlan(spec: RuntimeSpec, run: PlanRun): Plan {
  const { cgroupDirectories, cgroupWrites, deviceFilter, oomPath, ...settings } = run;
  // A cgroup namespace shows the cgroup one is in when it is made: the child joins its cgroups first.
  const namespaces = spec.linux.namespaces.reduce((flags, { type, path }) => (path === undefined && type !== 'cgroup' ? flags | CLONE[type] : flags), 0);
  // Seen by the processes there from then on: it comes when there is nothing of the host's to be seen (do_join_task in the shim), and while it may yet.
  const joinedProcesses = spec.linux.namespaces.flatMap(({ type, path }, index) => (type === 'pid' && path !== undefined ? [`linux.namespaces[${index}]`] : []));
  const childSteps = [
    ...namespaceSteps(spec),
    ...rootSteps(spec, cgroupDirectories),
    ...joinedProcesses.map((from): PlanStep => ({ op: 'join_task', ...child(from), flags: CLONE.pid })),
    ...processSteps(spec),
  ];
  const user = userNamespaceOf(spec, namespaces);
  const steps: readonly PlanStep[] = [
    TIME_STEPS,
    ...cgroupDirectories.map((path): PlanStep => ({ op: 'mkdir_host', actor: 'parent', from: 'linux.cgroupsPath', path, mode: 0o755 })),
    ...cgroupWrites.map(({ path, data, optional }): PlanStep => ({ op: optional ? 'write_file_optional' : 'write_file', actor: 'parent', from: 'linux.resources', path, data: Buffer.from(data) })),
    ...(deviceFilter ? [{ op: 'device_filter', actor: 'parent', from: 'linux.resources.devices', ...deviceFilter } as const] : []),
    ...appArmorSteps(spec.process.apparmorProfile),
    ...oomScoreSteps(spec.process.oomScoreAdj),
    ...(user === undefined ? childSteps : inUserNamespace(childSteps, user)),
    // What is known of oom is in the cgroup that the next steps remove.
    ...(oomPath === '' ? [] : [{ op: 'read_oom', actor: 'exit', from: 'linux.cgroupsPath', path: oomPath } as const]),
    ...cgroupDirectories.map((path): PlanStep => ({ op: 'rmdir_cgroup', actor: 'exit', from: 'linux.cgroupsPath', path })),
  ];
  return planOf({ ...settings, socketMode: 0o660, shimCgroupPaths: [], namespaces: user === undefined ? namespaces : CLONE.mount, cgroupPaths: cgroupDirectories }, steps);
}

/** Undefined: the host's. One that is joined alone. */
function userNamespaceOf({ linux, mounts, root }: RuntimeSpec, flags: number): EnteredNamespace | undefined {
  const index = linux.namespaces.findIndex(({ type }) => type === 'user');
  const path = linux.namespaces[index]?.path;
  if (path === undefined) return undefined;
  const mapped = new Set(mounts.flatMap(({ options }, number) => (options.includes('idmap') ? [`mounts[${number}]`] : [])));
  return { path, from: `linux.namespaces[${index}]`, ids: idMapsOf(linux), flags, target: root.path, isMapped: (from) => mapped.has(from) };
}

function namespaceSteps({ linux, hostname, domainname = '' }: RuntimeSpec): readonly PlanStep[] {
  const isNew = (type: string): boolean => linux.namespaces.some((namespace) => namespace.type === type && namespace.path === undefined);
  return [
    ...linux.namespaces.flatMap(({ type, path }, index): PlanStep[] => {
      const from = `linux.namespaces[${index}]`;
      if (path === undefined || type === 'user') return [];
      return [type === 'pid' ? { op: 'hold_pid_namespace', actor: 'parent', from, path } : { op: 'join_namespace', ...child(from), path, flag: CLONE[type] }];
    }),
    ...(isNew('cgroup') ? [{ op: 'unshare', ...child('linux.namespaces'), flags: CLONE.cgroup } as const] : []),
    ...(hostname !== '' && isNew('uts') ? [{ op: 'set_hostname', ...child('hostname'), name: hostname } as const] : []),
    ...(domainname !== '' && isNew('uts') ? [{ op: 'set_domainname', ...child('domainname'), name: domainname } as const] : []),
  ];
}

/**
 * Masks come before pivot_root, while the host's own /dev/null is at hand; sysctls before /proc/sys is read-only; the working directory after pivot_root and
 * before the root is read-only, since it is made when the image has not got it.
 */
function rootSteps({ linux, mounts, process, root }: RuntimeSpec, cgroupDirectories: readonly string[]): readonly PlanStep[] {
  const place = { cgroupsPath: linux.cgroupsPath, cgroupDirectories };
  const ownDev = !mounts.some(({ type, destination }) => type === 'bind' && destination === '/dev');
  return [
    { op: 'private_propagation', ...child('linux.rootfsPropagation') },
    rootStep(root, 'child'),
    ...mounts.flatMap((mount, index) => mountSteps(mount, `mounts[${index}]`, place)),
    ...(ownDev ? deviceSteps(linux.devices) : []),
    ...(process.terminal ? [{ op: 'setup_console', ...child('process.terminal'), bindConsole: true } as const] : []),
    ...Object.entries(linux.sysctl).map(([name, value]): PlanStep => ({ op: 'sysctl', ...child(`linux.sysctl["${name}"]`), name, value })),
    ...linux.readonlyPaths.map((path, index): PlanStep => ({ op: 'readonly_path', ...child(`linux.readonlyPaths[${index}]`), path })),
    ...linux.maskedPaths.map((path, index): PlanStep => ({ op: 'mask_path', ...child(`linux.maskedPaths[${index}]`), path })),
    { op: 'pivot_root', ...child('root.path') },
    { op: 'chdir', ...child('process.cwd'), path: process.cwd, create: true },
    ...(root.readonly ? [{ op: 'readonly_root', ...child('root.readonly') } as const] : []),
  ];
}

function deviceSteps(devices: readonly Device[]): readonly PlanStep[] {
  const folders = new Set(devices.map(({ path }) => posix.dirname(path)).filter((folder) => folder !== '/dev'));
  return [
    ...[...folders].map((path): PlanStep => ({ op: 'mkdir_in_root', ...child('linux.devices'), path, mode: 0o755, uid: 0, gid: 0 })),
    ...devices.map(({ path, type, fileMode, major, minor, uid, gid }, index): PlanStep => ({ op: 'make_node', ...child(`linux.devices[${index}]`), target: path, type, mode: fileMode, major, minor, uid, gid })),
    ...LINKS.map(([target, link]): PlanStep => ({ op: 'make_symlink', ...child('linux.devices'), target, link })),
  ];
}

function processSteps({ process, linux }: RuntimeSpec): readonly PlanStep[] {
  const { rlimits, user, capabilities, noNewPrivileges, args, env } = process;
  return [
    ...rlimitSteps(rlimits),
    ...rightsSteps({ user: user.username, groups: user.additionalGroups, capabilities, noNewPrivileges, filter: linux.seccomp?.program }),
    { op: 'exec', ...child('process.args'), args, env },
  ];
}
