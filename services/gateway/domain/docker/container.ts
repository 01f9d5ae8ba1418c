import { posix } from 'node:path';
import type { ContainerHealth, ContainerMount, ContainerView, EndpointSettings, ListedContainer, PublishedPort } from '#contracts/containers/container-state.js';
import { READ_ONLY_PATHS } from '#contracts/executor/hidden-paths.js';
import type { HostFacts } from '#contracts/executor/host.js';
import { OWN_RUNTIME } from '#contracts/executor/own-runtime.js';
import { appArmorProfile } from './apparmor-profile.js';
import { isAtLeast } from '../api-version.js';
import { isFields, isZero } from '../requests/create-request.js';
import { networkOf } from '../requests/container-filters.js';
import { orNever, unixSeconds } from './time.js';
import { dockerEndpointId } from './endpoint.js';
import { forVersion } from './fields-by-version.js';
import { imageAsked } from './shown-image.js';
import { statusText } from './status.js';

/** What was asked for, also where an endpoint brought it into another network. */
const shownNetworkMode = (view: ListedContainer): string => view.askedNetworkMode ?? networkOf(view);

const isUp = (view: ListedContainer): boolean => view.status === 'running' || view.status === 'paused' || view.status === 'restarting';

export interface ContainerSizes {
  /** What the container wrote. */
  readonly writtenBytes: number;
  /** The same, and its image. */
  readonly rootBytes: number;
}

/** SizeRw and SizeRootFs, where they were asked for. Of a list, what is 0 is left out, as in dockerd. */
const sizeFields = (sizes: ContainerSizes | undefined): object => (sizes === undefined ? {} : { SizeRw: sizes.writtenBytes, SizeRootFs: sizes.rootBytes });

/** What of the host shows in a container. */
export type ShownHost = Pick<HostFacts, 'storageDriver' | 'securityOptions' | 'maskedPaths'>;

/** GET /containers/{id}/json (swagger.yaml, ContainerInspectResponse). */
export function containerInspect(view: ContainerView, { storageDriver, securityOptions, maskedPaths }: ShownHost, version: string, sizes?: ContainerSizes): object {
  const running = isUp(view);
  // Before the first start there are no such files.
  const file = (path: string): string => (view.startNumber === 0 ? '' : path);
  return {
    Id: view.id,
    Created: view.createdAt,
    Path: view.path,
    Args: view.args,
    State: {
      // A container whose start failed is "created" with an exit code, as in dockerd.
      Status: view.status,
      Running: running,
      Paused: view.status === 'paused',
      Restarting: view.status === 'restarting',
      OOMKilled: view.oomKilled,
      Dead: view.status === 'dead',
      Pid: running ? view.pid : 0,
      ExitCode: view.exitCode,
      Error: view.error,
      StartedAt: orNever(view.startedAt),
      FinishedAt: orNever(view.finishedAt),
      ...(view.health ? { Health: health(view.health) } : {}),
    },
    Image: view.imageId,
    ResolvConfPath: file(`${view.directory}/resolv.conf`),
    HostnamePath: file(`${view.directory}/hostname`),
    HostsPath: file(`${view.directory}/hosts`),
    LogPath: file(view.logPath),
    Name: `/${view.name}`,
    RestartCount: view.restartCount,
    Driver: storageDriver,
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: appArmorProfile(view, securityOptions),
    ExecIDs: view.execIds.length === 0 ? null : view.execIds,
    HostConfig: forVersion('hostConfig', hostConfig(view, maskedPaths), version),
    GraphDriver: { Data: null, Name: storageDriver },
    ...sizeFields(sizes),
    Mounts: mountPoints(view),
    Config: config(view),
    NetworkSettings: networkSettings(view, version),
  };
}

function health({ status, failingStreak, log }: ContainerHealth): object {
  return { Status: status, FailingStreak: failingStreak, Log: log.map(({ startedAt, endedAt, exitCode, output }) => ({ Start: startedAt, End: endedAt, ExitCode: exitCode, Output: output })) };
}

/** One item of GET /containers/json (ContainerSummary). `now` in ms since 1970. */
export function containerSummary(view: ListedContainer, now: number, version: string, sizes?: ContainerSizes): object {
  const { Annotations } = view.hostConfig;
  return {
    Id: view.id,
    Names: [view.name, ...(view.linkNames ?? [])].toSorted().map((name) => `/${name}`),
    Image: imageAsked(view),
    ImageID: view.imageId,
    Command: commandLine(view),
    Created: unixSeconds(view.createdAt),
    Ports: summaryPorts(view),
    ...(sizes === undefined ? {} : Object.fromEntries(Object.entries(sizeFields(sizes)).filter(([, bytes]) => bytes !== 0))),
    Labels: view.config.Labels ?? {},
    State: view.status,
    Status: statusText(view, now),
    HostConfig: { NetworkMode: shownNetworkMode(view), ...(Annotations && Object.keys(Annotations).length > 0 && isAtLeast(version, '1.46') ? { Annotations } : {}) },
    NetworkSettings: { Networks: networks(view, version) },
    Mounts: mountPoints(view),
  };
}

/** Words with a blank in them are quoted, no more: this is for people to read (dockerd's list does the same). */
function commandLine(view: ListedContainer): string {
  return [view.path, ...view.args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))].join(' ');
}

function summaryPorts(view: ListedContainer): object[] {
  const published = isUp(view) ? (view.endpoint?.ports ?? []) : [];
  const ports: { readonly PrivatePort: number; readonly Type: string }[] = published.map((port) => ({ IP: hostAddress(port), PrivatePort: port.containerPort, PublicPort: port.hostPort, Type: port.protocol }));
  if (!isUp(view)) return ports;
  for (const { number, type } of exposedPorts(view)) {
    if (!published.some((port) => portKey(port) === `${number}/${type}`)) ports.push({ PrivatePort: number, Type: type });
  }
  return ports.toSorted((one, other) => one.PrivatePort - other.PrivatePort || (one.Type < other.Type ? -1 : 1));
}

/** Of one that has a network of its own: the host's has its own ports, and one that is none has none. */
const exposedPorts = (view: ListedContainer): readonly ExposedPort[] => (/^(host$|none$|container:)/.test(networkOf(view)) ? [] : Object.keys(view.config.ExposedPorts ?? {}).map(exposedPort));

interface ExposedPort {
  readonly number: number;
  readonly type: string;
}

/** "80/tcp". What is no port, such as a range, is 0 with dockerd, which takes one in a container's configuration but makes nothing of it. */
function exposedPort(text: string): ExposedPort {
  const [digits = '', type = 'tcp'] = text.split('/');
  return { number: /^\d{1,5}$/.test(digits) && Number(digits) <= 65_535 ? Number(digits) : 0, type };
}

/** No address is the default bridge's own (com.docker.network.bridge.host_binding_ipv4). */
const hostAddress = (port: PublishedPort): string => port.hostIp || '0.0.0.0';

const portKey = (port: PublishedPort): string => `${port.containerPort}/${port.protocol}`;

/** What --tmpfs asked for is shown in HostConfig.Tmpfs alone. */
function mountPoints({ mounts, hostConfig: { Tmpfs } }: ListedContainer): object[] {
  const apart = Object.keys(Tmpfs ?? {}).map((target) => posix.resolve(target));
  return mounts.filter(({ type, target }) => type !== 'tmpfs' || !apart.includes(target)).map(mountPoint);
}

function mountPoint(mount: ContainerMount): object {
  const shared = { Destination: mount.target, Mode: mount.mode ?? likelyMode(mount), RW: !mount.readOnly, Propagation: mount.propagation };
  if (mount.type === 'volume') return { Type: 'volume', Name: mount.name ?? '', Source: mount.source, Driver: 'local', ...shared };
  return { Type: mount.type, Source: mount.source, ...shared };
}

/** dockerd shows volumes with the mode it would relabel them by. */
function likelyMode(mount: ContainerMount): string {
  if (mount.type === 'tmpfs') return '';
  if (mount.readOnly) return 'ro';
  return mount.type === 'volume' && mount.anonymous !== true ? 'z' : '';
}

function networks(view: ListedContainer, version: string, mac = ''): Record<string, object> {
  const mode = networkOf(view);
  if (mode.startsWith('container:') || view.config.NetworkDisabled) return {};
  return { [view.endpoint?.network ?? mode]: forVersion('endpoint', { ...endpoint(isUp(view) ? view.endpoint : undefined, view), ...(mac === '' ? {} : { MacAddress: mac }) }, version) };
}

function endpoint(settings: EndpointSettings | undefined, { endpoint: last, linkLocalAddresses: linkLocal }: ListedContainer): Readonly<Record<string, unknown>> {
  return {
    IPAMConfig: linkLocal === undefined ? null : { LinkLocalIPs: linkLocal },
    Links: null,
    Aliases: null,
    MacAddress: settings?.mac ?? '',
    DriverOpts: null,
    GwPriority: 0,
    NetworkID: last?.networkId ?? '',
    EndpointID: dockerEndpointId(settings?.endpointId ?? ''),
    Gateway: settings?.gateway ?? '',
    IPAddress: settings?.address ?? '',
    IPPrefixLen: settings?.prefixLength ?? 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  };
}

/** Before its first start, the one that it was asked to have. */
const wishedMac = (view: ContainerView): string => (view.startNumber === 0 && networkOf(view) === 'bridge' ? (view.config.MacAddress ?? '') : '');

/** The addresses at the top are those of the default bridge alone; that is where old clients look. */
function networkSettings(view: ContainerView, version: string): object {
  const live = isUp(view) ? view.endpoint : undefined;
  const bridge = live?.network === 'bridge' ? live : undefined;
  const ports: Record<string, { HostIp: string; HostPort: string }[] | null> = {};
  if (isUp(view)) {
    for (const { number, type } of exposedPorts(view)) ports[`${number}/${type}`] = null;
    for (const port of live?.ports ?? []) (ports[portKey(port)] ??= []).push({ HostIp: hostAddress(port), HostPort: String(port.hostPort) });
  }
  return {
    Bridge: '',
    SandboxID: live === undefined ? '' : view.id,
    SandboxKey: running(view) ? `/proc/${view.pid}/ns/net` : '',
    Ports: ports,
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: dockerEndpointId(bridge?.endpointId ?? ''),
    Gateway: bridge?.gateway ?? '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    IPAddress: bridge?.address ?? '',
    IPPrefixLen: bridge?.prefixLength ?? 0,
    IPv6Gateway: '',
    MacAddress: bridge?.mac ?? wishedMac(view),
    Networks: networks(view, version, wishedMac(view)),
  };
}

const running = (view: ContainerView): boolean => isUp(view) && view.pid > 0;

/** The fields clients read unconditionally, with Go's zero values, under what was asked for. */
function config(view: ContainerView): object {
  const { ExposedPorts, ArgsEscaped, NetworkDisabled, Shell, ...rest } = view.config;
  return {
    Hostname: view.id.slice(0, 12),
    Domainname: '',
    User: '',
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: [],
    Cmd: null,
    Image: view.imageRef,
    Volumes: null,
    WorkingDir: '',
    Entrypoint: null,
    OnBuild: null,
    ...rest,
    ...(ExposedPorts === null || ExposedPorts === undefined ? {} : { ExposedPorts }),
    ...(ArgsEscaped ? { ArgsEscaped } : {}),
    ...(NetworkDisabled ? { NetworkDisabled } : {}),
    ...(Shell?.length ? { Shell } : {}),
    Labels: view.config.Labels ?? {},
  };
}

/** What clients wrote short is shown whole. Null: whoever made it said nothing of ports. */
function portBindings({ hostConfig: { PortBindings } }: ContainerView): object | null {
  if (PortBindings === undefined || PortBindings === null) return null;
  return Object.fromEntries(Object.entries(PortBindings).map(([port, bindings]) => [port, bindings?.map(({ HostIp = '', HostPort = '' }) => ({ HostIp, HostPort })) ?? null]));
}

/** What a container does not see or cannot write, unless it is privileged. Who sends it back gets the same. */
function paths({ hostConfig: { Privileged, MaskedPaths, ReadonlyPaths } }: ContainerView, ofHost: readonly string[]): object {
  return Privileged === true ? { MaskedPaths: null, ReadonlyPaths: null } : { MaskedPaths: MaskedPaths ?? ofHost, ReadonlyPaths: ReadonlyPaths ?? READ_ONLY_PATHS };
}

/** One that shares the host's processes or IPC, or is privileged, has no SELinux label, unless it was said what it is to have; dockerd tells so. */
function shownSecurity({ hostConfig: { SecurityOpt, Privileged, IpcMode, PidMode } }: ContainerView): readonly string[] | null {
  const isUnlabelled = Privileged === true || IpcMode === 'host' || PidMode === 'host';
  if (!isUnlabelled || SecurityOpt?.some((option) => /^label(=|$)/.test(option))) return SecurityOpt ?? null;
  return [...(SecurityOpt ?? []), 'label=disable'];
}

/** Of a mount dockerd tells what was said. */
function withoutZeros(value: object): object {
  const said = Object.entries(value as Readonly<Record<string, unknown>>).flatMap(([name, field]): [string, unknown][] => {
    if (isFields(field)) return name === 'Labels' || name === 'Options' ? [[name, field]] : [[name, withoutZeros(field)]];
    return isZero(field) ? [] : [[name, field]];
  });
  return Object.fromEntries(said);
}

function hostConfig(view: ContainerView, maskedPaths: readonly string[]): Readonly<Record<string, unknown>> {
  return {
    Binds: null,
    ContainerIDFile: '',
    VolumeDriver: '',
    VolumesFrom: null,
    ConsoleSize: [0, 0],
    CapAdd: null,
    CapDrop: null,
    Dns: null,
    DnsOptions: null,
    DnsSearch: null,
    ExtraHosts: null,
    GroupAdd: null,
    Cgroup: '',
    Links: null,
    OomScoreAdj: 0,
    PidMode: '',
    Privileged: false,
    PublishAllPorts: false,
    ReadonlyRootfs: false,
    UTSMode: '',
    UsernsMode: '',
    ShmSize: 67_108_864,
    Isolation: '',
    CpuShares: 0,
    Memory: 0,
    NanoCpus: 0,
    CgroupParent: '',
    BlkioWeight: 0,
    BlkioWeightDevice: null,
    BlkioDeviceReadBps: null,
    BlkioDeviceReadIOps: null,
    BlkioDeviceWriteBps: null,
    BlkioDeviceWriteIOps: null,
    CpuCount: 0,
    CpuPercent: 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    IOMaximumBandwidth: 0,
    IOMaximumIOps: 0,
    CpuPeriod: 0,
    CpuQuota: 0,
    CpusetCpus: '',
    CpusetMems: '',
    Devices: null,
    DeviceCgroupRules: null,
    DeviceRequests: null,
    MemoryReservation: 0,
    MemorySwap: 0,
    MemorySwappiness: null,
    OomKillDisable: false,
    PidsLimit: null,
    Ulimits: null,
    AutoRemove: false,
    ...view.hostConfig,
    IpcMode: view.hostConfig.IpcMode || 'private',
    CgroupnsMode: view.hostConfig.CgroupnsMode || 'private',
    PortBindings: portBindings(view),
    ...(view.hostConfig.Mounts ? { Mounts: view.hostConfig.Mounts.map(withoutZeros) } : {}),
    SecurityOpt: shownSecurity(view),
    ...paths(view, maskedPaths),
    Runtime: view.hostConfig.Runtime || OWN_RUNTIME,
    NetworkMode: shownNetworkMode(view),
    RestartPolicy: { Name: view.hostConfig.RestartPolicy?.Name || 'no', MaximumRetryCount: view.hostConfig.RestartPolicy?.MaximumRetryCount ?? 0 },
    LogConfig: { Type: view.hostConfig.LogConfig?.Type || 'json-file', Config: view.hostConfig.LogConfig?.Config ?? {} },
  };
}
