import type { HostConfig } from '#contracts/containers/container-config.js';
import type { BlockThrottle, HostNamespace, LaunchTask, TaskDevice } from '#contracts/executor/tasks.js';
import { cgroupParentOf } from '#libs/cgroup/asked-parent.js';
import { invalid, unclassified } from '#libs/errors/errors.js';
import { isIpAddress } from '../network/ip-address.js';
import { cdiDevices } from '../resources/device-requests.js';
import { joinedContainers } from './joined-containers.js';

type Shares = Pick<LaunchTask, 'devices' | 'cdiDevices' | 'deviceRules' | 'hostNamespaces' | 'annotations' | 'cgroupParent'>;

/** What a container has of its host beyond the default: namespaces, devices, a place among the cgroups. Throws, as dockerd does at a start, for devices and rules that there cannot be. */
export function hostShares(host: HostConfig): Shares {
  const modes = [['pid', host.PidMode], ['ipc', host.IpcMode], ['uts', host.UTSMode], ['cgroup', host.CgroupnsMode]] as const satisfies readonly (readonly [HostNamespace, unknown])[];
  const shared = modes.flatMap(([name, mode]) => (mode === 'host' ? [name] : []));
  const devices = (host.Devices ?? []).map(({ PathOnHost: source, PathInContainer: target, CgroupPermissions: access }): TaskDevice => ({ source, target: target || source, access: access || 'rwm' }));
  if (!host.Privileged) for (const { PathOnHost: source, CgroupPermissions: access } of host.Devices ?? []) if (!access) throw unclassified(`device access of ${source} cannot be empty: CgroupPermissions are some of r, w and m`);
  const named = cdiDevices(host);
  const rules = host.DeviceCgroupRules ?? [];
  for (const rule of rules) if (!/^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(rule)) throw unclassified(`invalid device cgroup rule format: '${rule}'`);
  const cgroupParent = cgroupParentOf(host.CgroupParent);
  return {
    ...(cgroupParent === undefined ? {} : { cgroupParent }),
    ...(shared.length > 0 ? { hostNamespaces: shared } : {}),
    ...(devices.length > 0 ? { devices } : {}),
    ...(named.length > 0 ? { cdiDevices: named } : {}),
    ...(rules.length > 0 ? { deviceRules: rules } : {}),
    ...(host.Annotations && Object.keys(host.Annotations).length > 0 ? { annotations: host.Annotations } : {}),
  };
}

export function throttlesOf(host: HostConfig): { throttles?: readonly BlockThrottle[] } {
  const kinds = [
    ['read-bytes', host.BlkioDeviceReadBps], ['write-bytes', host.BlkioDeviceWriteBps], ['read-operations', host.BlkioDeviceReadIOps], ['write-operations', host.BlkioDeviceWriteIOps],
  ] as const satisfies readonly (readonly [BlockThrottle['limits'], unknown])[];
  const throttles = kinds.flatMap(([limits, all]) => (all ?? []).map(({ Path: path, Rate: rate }): BlockThrottle => ({ path, limits, rate })));
  return throttles.length > 0 ? { throttles } : {};
}

const HOST_GATEWAY = 'host-gateway';

/** Throws what dockerd says of such options when a container is created. */
export function checkHostShares(host: HostConfig): void {
  checkModes(host);
  cgroupParentOf(host.CgroupParent);
  for (const { PathOnHost: source, CgroupPermissions: access = '' } of host.Devices ?? []) if (!/^[rwm]{0,3}$/.test(access)) throw invalid(`invalid device mode: ${access} of ${source}`);
  for (const { path, rate } of throttlesOf(host).throttles ?? []) if (rate < 0) throw invalid(`invalid rate for device: ${path}:${rate}`);
  for (const entry of host.ExtraHosts ?? []) checkExtraHost(entry);
  if (Object.hasOwn(host.Annotations ?? {}, '')) throw invalid('invalid Annotations: the empty string is not permitted as an annotation key');
  for (const option of Object.keys(host.StorageOpt ?? {})) throw unclassified(option === 'size' ? "--storage-opt is supported only for overlay over xfs with 'pquota' mount option" : `Unknown option ${option}`);
  if (host.Isolation && host.Isolation !== 'default') throw invalid(`invalid isolation (${host.Isolation}): linux only supports 'default'`);
}

function checkModes({ IpcMode: ipc = '', PidMode: pid = '', UTSMode: uts = '', CgroupnsMode: cgroup = '' }: HostConfig): void {
  const joined = joinedContainers({ PidMode: pid, IpcMode: ipc });
  if (!['', 'private', 'shareable', 'host', 'none'].includes(ipc) && joined.ipc === undefined) throw invalid(`invalid IPC mode: ${ipc}`);
  if (pid !== '' && pid !== 'host' && joined.pid === undefined) throw invalid(`invalid PID mode: ${pid}`);
  if (uts !== '' && uts !== 'host') throw invalid(`invalid UTS mode: ${uts}`);
  if (!['', 'private', 'host'].includes(cgroup)) throw invalid(`invalid cgroup namespace mode: ${cgroup}`);
}

function checkExtraHost(entry: string): void {
  const [, name = '', address = ''] = /^([^:]+):(.+)$/.exec(entry) ?? [];
  if (name === '' || /\s/.test(name)) throw invalid(`bad format for add-host: "${entry}"`);
  const bare = address.replace(/^\[(.*)\]$/, '$1');
  if (address !== HOST_GATEWAY && !isIpAddress(bare)) throw invalid(`invalid IP address in add-host: "${address}"`);
}

