import type { Ulimit } from '#contracts/containers/container-config.js';
import { MASKED_PATHS, READ_ONLY_PATHS } from '#contracts/executor/hidden-paths.js';
import type { IdMaps, IdRange } from '#contracts/executor/id-maps.js';
import type { LaunchFields } from '#contracts/executor/tasks.js';
import type { CdiEdits, CdiHook } from '../cdi/cdi-spec.js';
import { containerFilter } from '../seccomp/container-filter.js';
import { effectiveCapabilities } from './capabilities.js';
import { ALL_DEVICES, type AskedDevice, DEFAULT_DEVICES, deviceRules } from './devices.js';
import { environment } from './environment.js';
import { type JoinedIpc, type JoinedProcesses, mountsOf } from './mounts.js';
import { rlimitOf } from './rlimits.js';
import type { Device, Hook, IdMapping, Namespace, Process, RootMade, RuntimeSpec } from './runtime-spec.js';
import { checkSysctls } from './sysctls.js';

/** Where things are on this host for one run. */
export interface SpecHost {
  /** Holds hosts, hostname and resolv.conf. */
  readonly containerDirectory: string;
  readonly root: RootMade;
  /** An empty directory that the root is mounted on. */
  readonly rootTarget: string;
  readonly cgroupDirectories: readonly string[];
  readonly cgroupsPath: string;
  /** Network namespace to join; absent: the host's. */
  readonly sandboxPath?: string;
  /** Of the container whose processes it is among; absent: it has a pid namespace of its own, or the host's. */
  readonly joinedProcesses?: JoinedProcesses;
  /** The same for IPC. */
  readonly joinedIpc?: JoinedIpc;
  readonly cgroupMode: 'v1' | 'hybrid' | 'v2';
  /** Program that --init puts in front. */
  readonly initPath: string;
  /** The engine's own, where the user has none of that name; as far as the kernel allows. */
  readonly defaultUlimits?: readonly Ulimit[];
  /** Device nodes of the host, for privileged containers. */
  readonly hostDevices?: readonly Device[];
  /** What `--device` asked for, found on the host. */
  readonly askedDevices?: readonly AskedDevice[];
  /** What devices need that were asked for by their names; their nodes are among `askedDevices`. */
  readonly cdi?: Pick<CdiEdits, 'env' | 'mounts' | 'hooks' | 'additionalGids'>;
  /** One to be in, which the network to join belongs to; absent: the host's. */
  readonly userNamespace?: { readonly path: string; readonly ids: IdMaps };
  /** AppArmor profile; absent: the host has none. */
  readonly apparmorProfile?: string;
  /** Absent: those that every host has. */
  readonly maskedPaths?: readonly string[];
}

/**
 * The OCI runtime spec of one run, with Docker's defaults. Pure: everything of the host comes in `host`. Throws `invalid` for capabilities, limits,
 * sysctls and seccomp profiles that cannot be.
 */
export function buildSpec(task: LaunchFields, host: SpecHost): RuntimeSpec {
  const { security } = task;
  const ownNetwork = task.network.mode !== 'host';
  const shared = task.hostNamespaces ?? [];
  checkSysctls(task.sysctls, { network: ownNetwork, ipc: !shared.includes('ipc') });
  const ownName = !shared.includes('uts');
  const capabilities = effectiveCapabilities(security);
  const program = containerFilter(security, capabilities);
  const mounts = mountsOf(task, host);
  const userNamespace: readonly Namespace[] = host.userNamespace ? [{ type: 'user', path: host.userNamespace.path }] : [];
  return {
    ociVersion: '1.2.0',
    hostname: ownName ? task.hostname : '',
    ...(task.annotations ? { annotations: task.annotations } : {}),
    ...(task.domainname === '' || !ownName ? {} : { domainname: task.domainname }),
    process: processOf(task, capabilities, host),
    ...hooksOf(host.cdi?.hooks ?? []),
    root: { path: host.rootTarget, readonly: task.readOnlyRoot, ...host.root },
    mounts,
    linux: {
      namespaces: [...userNamespace, ...namespacesOf(ownNetwork, host).filter(({ type }) => !shared.some((name) => name === type))],
      ...(host.userNamespace ? { uidMappings: host.userNamespace.ids.uids.map(mappingOf), gidMappings: host.userNamespace.ids.gids.map(mappingOf) } : {}),
      devices: devicesOf(host),
      cgroupsPath: host.cgroupsPath,
      resources: { devices: security.privileged ? ALL_DEVICES : deviceRules(host.askedDevices ?? [], task.deviceRules ?? []) },
      ...(program ? { seccomp: { program } } : {}),
      sysctl: task.sysctls,
      maskedPaths: security.privileged ? [] : (security.maskedPaths ?? host.maskedPaths ?? MASKED_PATHS),
      readonlyPaths: security.privileged ? [] : (security.readonlyPaths ?? READ_ONLY_PATHS),
      // Berth's plan has it so always; other runtimes cut the host's mounts off unless they are told.
      ...(mounts.some(({ options }) => options.includes('rslave') || options.includes('slave')) ? { rootfsPropagation: 'rslave' } : {}),
    },
  };
}

function processOf(task: LaunchFields, capabilities: readonly string[], { defaultUlimits = [], cdi, apparmorProfile }: SpecHost): Process {
  const { process, ulimits, oomScoreAdj } = task;
  const defaults = defaultUlimits.filter(({ Name }) => !ulimits.some((ulimit) => ulimit.Name === Name));
  return {
    terminal: process.terminal,
    user: { username: process.user, additionalGroups: [...process.groups, ...(cdi?.additionalGids ?? []).map(String)] },
    args: task.init ? ['/sbin/docker-init', '--', ...process.args] : process.args,
    env: environment([...process.env, ...(cdi?.env ?? [])], { hostname: task.hostname, terminal: process.terminal }),
    cwd: process.cwd,
    // Nothing inheritable: a file's own inheritable capabilities would come back to life for who is not root (CVE-2022-24769).
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities, inheritable: [], ambient: [] },
    rlimits: [...ulimits.map(rlimitOf), ...defaults.map((ulimit) => ({ ...rlimitOf(ulimit), optional: true }))],
    noNewPrivileges: task.security.noNewPrivileges,
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
    ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
  };
}

function hooksOf(hooks: readonly CdiHook[]): Pick<RuntimeSpec, 'hooks'> {
  const points = new Map<string, Hook[]>();
  for (const { hookName, path, args, env, timeout } of hooks) points.set(hookName, [...(points.get(hookName) ?? []), { path, ...(args.length > 0 ? { args } : {}), ...(env.length > 0 ? { env } : {}), ...(timeout === undefined ? {} : { timeout }) }]);
  return points.size === 0 ? {} : { hooks: Object.fromEntries(points) };
}

/** What has one name is one node: what was asked for takes the place of the host's, and both that of the default ones. */
function devicesOf({ hostDevices = [], askedDevices = [] }: SpecHost): readonly Device[] {
  const devices = new Map<string, Device>();
  for (const device of [...DEFAULT_DEVICES, ...hostDevices, ...askedDevices.map((asked) => asked.device)]) devices.set(device.path, device);
  return [...devices.values()];
}

const mappingOf = ({ inside, outside, size }: IdRange): IdMapping => ({ containerID: inside, hostID: outside, size });

function namespacesOf(ownNetwork: boolean, { sandboxPath, joinedProcesses, joinedIpc }: SpecHost): readonly Namespace[] {
  const network: readonly Namespace[] = ownNetwork ? [{ type: 'network', ...(sandboxPath === undefined ? {} : { path: sandboxPath }) }] : [];
  const joined = (type: 'pid' | 'ipc', path: string | undefined): Namespace => ({ type, ...(path === undefined ? {} : { path }) });
  return [{ type: 'mount' }, ...network, { type: 'uts' }, joined('pid', joinedProcesses?.pidNamespace), joined('ipc', joinedIpc?.ipcNamespace), { type: 'cgroup' }];
}
