import { DEFAULT_CAPABILITIES } from '#contracts/executor/default-capabilities.js';
import { OWN_RUNTIME } from '#contracts/executor/own-runtime.js';
import type { Power } from './policy.js';
import { isFields, isZero } from '../requests/create-request.js';

type Fields = Readonly<Record<string, unknown>>;
/** Of a `HostConfig`, what may name a container to join. */
type Joining = { readonly [field in 'NetworkMode' | 'PidMode' | 'IpcMode']?: unknown };
/** The power that a value of the field asks for; undefined where it asks for none. */
type Asks = (value: unknown) => Power | undefined;

/** What every container has anyway. */
const OWN_CAPABILITIES = new Set(DEFAULT_CAPABILITIES);
const OWN_LOG_DRIVERS = new Set(['', 'json-file', 'local', 'none']);

const asks = (power: Power): Asks => (value) => (isZero(value) ? undefined : power);
const asksUnlessAbsent = (power: Power): Asks => (value) => (value === undefined || value === null ? undefined : power);
const unless = (power: Power, isHarmless: (value: unknown) => boolean): Asks => (value) => (isZero(value) || isHarmless(value) ? undefined : power);
const hostNamespace: Asks = unless('host-namespaces', (value) => typeof value === 'string' && value !== 'host');
const every = (isHarmless: (item: unknown) => boolean) => (value: unknown): boolean => Array.isArray(value) && value.every(isHarmless);

/** Each field of `HostConfig` by which a container gets more of the host than any other has. */
const POWERFUL: Readonly<Record<string, Asks>> = {
  Privileged: asks('privileged'),
  NetworkMode: hostNamespace,
  PidMode: hostNamespace,
  IpcMode: hostNamespace,
  UTSMode: hostNamespace,
  CgroupnsMode: hostNamespace,
  UsernsMode: hostNamespace,
  Binds: unless('bind-mounts', every((bind) => typeof bind === 'string' && boundVolume(bind) !== undefined)),
  Mounts: unless('bind-mounts', every(isOwnMount)),
  VolumeDriver: unless('bind-mounts', (value) => value === 'local'),
  CapAdd: unless('capabilities', every((name) => typeof name === 'string' && OWN_CAPABILITIES.has(`CAP_${name.toUpperCase().replace(/^CAP_/, '')}`))),
  Devices: asks('devices'),
  DeviceRequests: asks('devices'),
  DeviceCgroupRules: asks('devices'),
  SecurityOpt: unless('security-options', every((option) => typeof option === 'string' && /^no-new-privileges(?:[:=]true)?$/.test(option))),
  // An empty list is the most that can be asked for.
  MaskedPaths: asksUnlessAbsent('security-options'),
  ReadonlyPaths: asksUnlessAbsent('security-options'),
  CgroupParent: asks('security-options'),
  // Another runtime than the engine's own may obey annotations, hooks among them.
  Runtime: unless('security-options', (value) => value === OWN_RUNTIME),
  // Other drivers send to addresses and sockets of the host.
  LogConfig: unless('security-options', (value) => isFields(value) && OWN_LOG_DRIVERS.has(String(value.Type ?? ''))),
};

/** Fields that give nothing of the host, or name another container (`othersOf` tells which). */
const HARMLESS = new Set(
  ('Tmpfs PortBindings PublishAllPorts RestartPolicy AutoRemove CapDrop Dns DnsSearch DnsOptions ExtraHosts GroupAdd ReadonlyRootfs Init ShmSize Memory MemorySwap MemoryReservation KernelMemory ' +
    'KernelMemoryTCP NanoCpus CpuCount CpuPercent CpuShares CpuQuota CpuPeriod CpuRealtimePeriod CpuRealtimeRuntime CpusetCpus CpusetMems PidsLimit OomScoreAdj Ulimits Sysctls ConsoleSize BlkioWeight ' +
    'BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps IOMaximumIOps IOMaximumBandwidth MemorySwappiness OomKillDisable VolumesFrom Links StorageOpt ' +
    'Annotations Isolation ContainerIDFile Cgroup').split(' '),
);

/** Whether an operator's create may have the field at all; a field that this file does not know gives everything. */
export const isKnownField = (name: string): boolean => HARMLESS.has(name) || Object.hasOwn(POWERFUL, name);

/** What a container with this `HostConfig` may do to the host, each once. */
export function powersOf(hostConfig: Fields): readonly Power[] {
  const powers = Object.entries(hostConfig).flatMap(([name, value]) => {
    if (HARMLESS.has(name)) return [];
    const power = Object.hasOwn(POWERFUL, name) ? POWERFUL[name]?.(value) : asks('privileged')(value);
    return power ?? [];
  });
  return [...new Set(powers)];
}

/** Containers whose namespaces or volumes it shares: by the name or id that it gives. */
export function othersOf(hostConfig: Fields): readonly string[] {
  const named = [...texts(hostConfig.VolumesFrom), ...texts(hostConfig.Links)].map((text) => text.split(':', 1)[0] ?? text);
  return [...new Set([...joinedBy(hostConfig), ...named])];
}

/** Those among them whose namespaces it is in. */
export function joinedBy({ NetworkMode, PidMode, IpcMode }: Joining): readonly string[] {
  return [NetworkMode, PidMode, IpcMode].flatMap((mode) => (typeof mode === 'string' && mode.startsWith('container:') ? mode.slice('container:'.length) : []));
}

/** Volumes that it names. */
export function volumesOf(hostConfig: Fields): readonly string[] {
  const mounted = (Array.isArray(hostConfig.Mounts) ? hostConfig.Mounts : []).flatMap((mount: unknown) => (isFields(mount) && mount.Type === 'volume' && typeof mount.Source === 'string' ? mount.Source : []));
  return [...new Set([...texts(hostConfig.Binds).flatMap((bind) => boundVolume(bind) ?? []), ...mounted])].filter((name) => name !== '');
}

/** The volume of "name:/path"; '' for an anonymous one, undefined for a path of the host. */
function boundVolume(bind: string): string | undefined {
  const [source = '', ...rest] = bind.split(':');
  if (rest.length === 0) return '';
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(source) ? source : undefined;
}

/** A tmpfs, or a volume of the local driver without options: with them it mounts whatever they name. */
function isOwnMount(mount: unknown): boolean {
  if (!isFields(mount)) return false;
  if (mount.Type === 'tmpfs') return true;
  if (mount.Type !== 'volume') return false;
  const driver = isFields(mount.VolumeOptions) ? mount.VolumeOptions.DriverConfig : undefined;
  return isZero(driver) || (isFields(driver) && (isZero(driver.Name) || driver.Name === 'local') && isZero(driver.Options));
}

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []);
