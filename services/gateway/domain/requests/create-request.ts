import type { EndpointWish } from '#contracts/containers/commands.js';
import { invalid, notImplemented } from '#libs/errors/errors.js';
import { isAtLeast } from '../api-version.js';
import { asGoReads } from './as-go-reads.js';
import { bodyFields, consoleSizeField } from './go-fields.js';

/** What Go calls a container's configuration, also that of a commit. */
const CREATE_REQUEST = 'container.CreateRequest';

type Fields = Readonly<Record<string, unknown>>;

export interface CreateRequest {
  readonly config: Fields;
  readonly hostConfig: Fields;
  readonly networks?: Readonly<Record<string, EndpointWish>>;
  /** As it was written, where the endpoint is one of another network, and so `hostConfig` has that one. */
  readonly askedNetworkMode?: string;
}

/** What Berth takes over of `ContainerConfig` and `HostConfig`: the fields of contracts/containers/container-config.ts. */
export const CONFIG: ReadonlySet<string> = new Set(
  'Hostname Domainname User AttachStdin AttachStdout AttachStderr ExposedPorts Tty OpenStdin StdinOnce Env Cmd Image Volumes WorkingDir Entrypoint Labels StopSignal StopTimeout Healthcheck MacAddress NetworkDisabled OnBuild Shell ArgsEscaped'.split(' '),
);
export const HOST_CONFIG: ReadonlySet<string> = new Set(
  ('Binds Mounts Tmpfs NetworkMode PortBindings PublishAllPorts RestartPolicy AutoRemove LogConfig CapAdd CapDrop Dns DnsSearch DnsOptions ExtraHosts GroupAdd Privileged ReadonlyRootfs ' +
    'SecurityOpt Init Runtime ShmSize Memory MemorySwap MemoryReservation NanoCpus CpuShares CpuQuota CpuPeriod CpuRealtimePeriod CpuRealtimeRuntime CpusetCpus CpusetMems PidsLimit OomScoreAdj Ulimits Sysctls ConsoleSize ' +
    'BlkioWeight BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps MemorySwappiness OomKillDisable Devices DeviceCgroupRules IpcMode PidMode UTSMode CgroupnsMode CgroupParent UsernsMode ' +
    'VolumesFrom Links StorageOpt Annotations Isolation MaskedPaths ReadonlyPaths VolumeDriver DeviceRequests').split(' '),
);

/** Limits that the kernel has no more. dockerd takes them, and says nothing. */
export const KERNEL_MEMORY: readonly string[] = ['KernelMemory', 'KernelMemoryTCP'];

/** Limits that Windows alone has. dockerd takes these two, and says so of the second; the others it refuses. */
const CPUS_OF_WINDOWS: ReadonlyMap<string, string> = new Map([['CpuCount', 'linux does not support CPU count. Count discarded.'], ['CpuPercent', 'linux does not support CPU percent. Percent discarded.']]);
const NO_QUALITY_OF_SERVICE: ReadonlyMap<string, string> = new Map([['IOMaximumBandwidth', 'maximum bandwidth'], ['IOMaximumIOps', 'maximum IOPs']]);

/** Values, besides zero ones, that ask for what Berth does anyway. */
const NEUTRAL: Readonly<Record<string, (value: unknown) => boolean>> = {
  // A file that the client writes; the engine has no part in it.
  ContainerIDFile: (value) => typeof value === 'string',
  // dockerode repeats in the body what it says in the query, where it counts.
  name: (value) => typeof value === 'string',
  platform: (value) => typeof value === 'string',
  ...Object.fromEntries([...KERNEL_MEMORY, ...CPUS_OF_WINDOWS.keys()].map((name) => [name, Number.isInteger])),
};

/** Of an endpoint's settings, those that only an engine fills in: clients send back what they once read. */
const ENDPOINT_FACTS: ReadonlySet<string> = new Set('NetworkID EndpointID Gateway IPAddress IPPrefixLen IPv6Gateway GlobalIPv6Address GlobalIPv6PrefixLen DNSNames GwPriority'.split(' '));

/**
 * The body of POST /containers/create. Throws `invalid` when it is not one, and `not-implemented` naming the option when it asks for something that Berth
 * lacks: an option is never silently dropped. Types of single fields are checked where the command enters the bus.
 */
export function readCreateRequest(body: unknown): CreateRequest {
  if (body === undefined) throw invalid('invalid JSON: got EOF while reading request body');
  const { HostConfig: host, NetworkingConfig: networking, ...config } = bodyFields(body, CREATE_REQUEST);
  // dockerode's own fields say nothing of one.
  if (!Object.keys(config).some((name) => CONFIG.has(name))) throw invalid('config cannot be empty in order to create a container');
  const hostConfig = readHostConfig(host);
  const networks = readNetworks(networking);
  const names = Object.keys(networks ?? {});
  if (names.length > 1) throw invalid(`Container cannot be connected to network endpoints: ${names.join(', ')}`);
  const { NetworkMode: mode } = hostConfig;
  const other = typeof mode === 'string' && names.find((name) => name !== mode); // one that is no text is refused where the command enters the bus
  if (other && [mode, other].some(isShared)) throw invalid(`conflicting options: the network mode is ${mode}, and the endpoint is one of the network ${other}`);
  return { config: readFields('Config', config, CONFIG), ...(other ? { hostConfig: { ...hostConfig, NetworkMode: other }, askedNetworkMode: mode } : { hostConfig }), ...(networks === undefined ? {} : { networks }) };
}

/** Who asks for a limit that there is not, or no more, is told so. `limits`: what a client wrote. */
export const discardedLimits = (limits: unknown): readonly string[] => [
  ...kernelMemoryWarnings(limits),
  ...Array.from(CPUS_OF_WINDOWS).flatMap(([name, warning]) => (isFields(limits) && !isZero(limits[name]) ? [warning] : [])),
];

/** As discardedLimits, of an update. */
export const kernelMemoryWarnings = (limits: unknown): readonly string[] =>
  KERNEL_MEMORY.filter((name) => isFields(limits) && !isZero(limits[name])).map((name) => `${name} is deprecated: the kernel has no such limit any more. Limitation discarded.`);

/** A network namespace of others, which no endpoint brings in, or replaces. Of any other mode the endpoint says which network it is. */
const isShared = (mode: string): boolean => mode === 'host' || mode.startsWith('container:');

/** dockerode repeats in the body what it says in the query, where it counts. */
const COMMIT_QUERY: ReadonlySet<string> = new Set('container repo tag comment author pause changes'.split(' '));

/** The body of POST /commit: none, or a configuration for the image. Throws invalid for another kind of JSON. */
export function readCommitConfig(body: unknown): Fields | undefined {
  const config = Object.entries(bodyFields(body, CREATE_REQUEST)).filter(([name]) => !COMMIT_QUERY.has(name));
  return config.length > 0 ? readFields('Config', Object.fromEntries(config), CONFIG) : undefined;
}

/** As dockerd has it for clients of this version: before 1.40 others may share a container's IPC namespace, if it says nothing of that. */
export function asOfVersion(wish: CreateRequest, version: string): CreateRequest {
  return isAtLeast(version, '1.40') || wish.hostConfig.IpcMode ? wish : { ...wish, hostConfig: { ...wish.hostConfig, IpcMode: 'shareable' } };
}

/** Throws invalid, as dockerd does, for what a client of this version cannot mean, and would be let down by if it were passed over. */
export function checkMountsOfVersion({ hostConfig: { Mounts: mounts } }: CreateRequest, version: string): void {
  const asks = (options: string, field: string): boolean => Array.isArray(mounts) && mounts.some((mount: unknown) => isFields(mount) && isFields(mount[options]) && !isZero(mount[options][field]));
  const tooNew = ([['BindOptions', 'ReadOnlyForceRecursive', '1.44'], ['VolumeOptions', 'Subpath', '1.45']] as const).find(([options, field, since]) => !isAtLeast(version, since) && asks(options, field));
  if (tooNew) throw invalid(`${tooNew[0]}.${tooNew[1]} needs API v${tooNew[2]} or newer`);
}

function readHostConfig(value: unknown): Fields {
  if (value === undefined || value === null) return { NetworkMode: 'bridge' };
  if (!isFields(value)) throw invalid('HostConfig has to be an object');
  for (const [name, limit] of NO_QUALITY_OF_SERVICE) if (!isZero(value[name])) throw invalid(`invalid option: QoS ${limit} configuration is not supported on linux`);
  const fields = readFields('HostConfig', value, HOST_CONFIG);
  const mode = fields.NetworkMode;
  if (mode === 'container:') throw invalid('invalid network mode: invalid container format container:<name|id>');
  const size = consoleSizeField('HostConfig', value);
  const { Ulimits: ulimits } = fields;
  return { ...fields, ...(size === undefined ? {} : { ConsoleSize: size }), ...(Array.isArray(ulimits) ? { Ulimits: ulimits.map(ulimit) } : {}), NetworkMode: mode === undefined || mode === '' || mode === 'default' ? 'bridge' : mode };
}

/** Go's zero values stand for what is missing; whether there is such a limit is found out at the start. */
const ulimit = (value: unknown): unknown => (value === null || isFields(value) ? { Name: '', Hard: 0, Soft: 0, ...value } : value);

function readFields(owner: string, value: Fields, supported: ReadonlySet<string>): Fields {
  const kept: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (supported.has(name)) {
      const read = asGoReads(name, field);
      if (read !== undefined) kept[name] = read;
    } else if (!isZero(field) && !isNeutral(name, field)) throw notImplemented(`Berth does not support ${owner}.${name} yet (asked for: ${JSON.stringify(field)})`);
  }
  return kept;
}

function readNetworks(value: unknown): CreateRequest['networks'] | undefined {
  const endpoints = fieldsOrNone('NetworkingConfig.EndpointsConfig', fieldsOrNone('NetworkingConfig', value)?.EndpointsConfig);
  if (endpoints === undefined) return undefined;
  const networks = new Map<string, EndpointWish>();
  for (const [name, settings] of Object.entries(endpoints)) {
    const endpoint: { -readonly [field in keyof EndpointWish]: EndpointWish[field] } = {};
    networks.set(name === 'default' ? 'bridge' : name, endpoint);
    for (const [field, asked] of Object.entries(isFields(settings) ? settings : {})) {
      if (ENDPOINT_FACTS.has(field) || isZero(asked)) continue;
      if (field === 'Aliases' && isTexts(asked)) endpoint.aliases = asked;
      else if (field === 'MacAddress' && typeof asked === 'string') endpoint.mac = asked;
      else if (field === 'IPAMConfig' && isFields(asked)) Object.assign(endpoint, readAddresses(name, asked));
      else throw notImplemented(`Berth does not support NetworkingConfig.EndpointsConfig.${name}.${field} yet`);
    }
  }
  return networks.size === 0 ? undefined : Object.fromEntries(networks);
}

function fieldsOrNone(what: string, value: unknown): Fields | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isFields(value)) throw invalid(`${what} has to be an object`);
  return value;
}

function readAddresses(network: string, asked: Fields): EndpointWish {
  const { IPv4Address: address, IPv6Address: ipv6Address, LinkLocalIPs: linkLocal, ...others } = asked;
  if (!isZero(others)) throw notImplemented(`Berth does not support NetworkingConfig.EndpointsConfig.${network}.IPAMConfig.${Object.keys(others).join(', ')} yet`);
  return {
    ...(typeof address === 'string' && address !== '' ? { address } : {}),
    ...(typeof ipv6Address === 'string' && ipv6Address !== '' ? { ipv6Address } : {}),
    ...(isTexts(linkLocal) && linkLocal.length > 0 ? { linkLocalAddresses: linkLocal } : {}),
  };
}

/** A name may be one that every object has. */
const isNeutral = (name: string, value: unknown): boolean => Object.hasOwn(NEUTRAL, name) && NEUTRAL[name]?.(value) === true;
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((item) => typeof item === 'string');

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What Go calls the zero value, and what is made of nothing else. */
export function isZero(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isFields(value) && Object.values(value).every(isZero);
}
