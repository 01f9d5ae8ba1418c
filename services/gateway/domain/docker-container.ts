import type { ContainerMount, ContainerView, EndpointSettings, PublishedPort } from '#contracts/containers/container-state.js';
import { networkOf } from './container-filters.js';
import { orNever, unixSeconds } from './docker-time.js';
import { statusText } from './status.js';

const isUp = (view: ContainerView): boolean => view.status === 'running' || view.status === 'paused' || view.status === 'restarting';

/** GET /containers/{id}/json (swagger.yaml, ContainerInspectResponse). */
export function containerInspect(view: ContainerView, storageDriver: string): object {
  const running = isUp(view);
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
    },
    Image: view.imageId,
    ResolvConfPath: `${view.directory}/resolv.conf`,
    HostnamePath: `${view.directory}/hostname`,
    HostsPath: `${view.directory}/hosts`,
    LogPath: view.logPath,
    Name: `/${view.name}`,
    RestartCount: view.restartCount,
    Driver: storageDriver,
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: view.execIds.length === 0 ? null : view.execIds,
    HostConfig: hostConfig(view),
    GraphDriver: { Data: null, Name: storageDriver },
    Mounts: view.mounts.flatMap(mountPoint),
    Config: config(view),
    NetworkSettings: networkSettings(view),
  };
}

/** One item of GET /containers/json (ContainerSummary). `now` in ms since 1970. */
export function containerSummary(view: ContainerView, now: number): object {
  return {
    Id: view.id,
    Names: [`/${view.name}`],
    Image: view.config.Image ?? view.imageRef,
    ImageID: view.imageId,
    Command: commandLine(view),
    Created: unixSeconds(view.createdAt),
    Ports: summaryPorts(view),
    Labels: view.config.Labels ?? {},
    State: view.status,
    Status: statusText(view, now),
    HostConfig: { NetworkMode: networkOf(view) },
    NetworkSettings: { Networks: networks(view) },
    Mounts: view.mounts.flatMap(mountPoint),
  };
}

/** Words with a blank in them are quoted, no more: this is for people to read (dockerd's list does the same). */
function commandLine(view: ContainerView): string {
  return [view.path, ...view.args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))].join(' ');
}

function summaryPorts(view: ContainerView): object[] {
  const published = isUp(view) ? (view.endpoint?.ports ?? []) : [];
  const ports: object[] = published.map((port) => ({ IP: hostAddress(port), PrivatePort: port.containerPort, PublicPort: port.hostPort, Type: port.protocol }));
  if (!isUp(view)) return ports;
  for (const exposed of Object.keys(view.config.ExposedPorts ?? {})) {
    const [number = '', type = 'tcp'] = exposed.split('/');
    if (!published.some((port) => portKey(port) === `${number}/${type}`)) ports.push({ PrivatePort: Number(number), Type: type });
  }
  return ports;
}

/** No address is the default bridge's own (com.docker.network.bridge.host_binding_ipv4). */
const hostAddress = (port: PublishedPort): string => port.hostIp || '0.0.0.0';

const portKey = (port: PublishedPort): string => `${port.containerPort}/${port.protocol}`;

function mountPoint(mount: ContainerMount): object[] {
  const shared = { Destination: mount.target, Mode: mount.type === 'tmpfs' ? '' : mount.readOnly ? 'ro' : '', RW: !mount.readOnly, Propagation: mount.propagation };
  if (mount.type === 'volume') return [{ Type: 'volume', Name: mount.name ?? '', Source: mount.source, Driver: 'local', ...shared }];
  return [{ Type: mount.type, Source: mount.source, ...shared }];
}

function networks(view: ContainerView): Record<string, object> {
  const mode = networkOf(view);
  if (mode.startsWith('container:')) return {};
  return { [view.endpoint?.network ?? mode]: endpoint(isUp(view) ? view.endpoint : undefined) };
}

function endpoint(settings: EndpointSettings | undefined): object {
  return {
    IPAMConfig: null,
    Links: null,
    Aliases: null,
    MacAddress: settings?.mac ?? '',
    DriverOpts: null,
    GwPriority: 0,
    NetworkID: settings?.networkId ?? '',
    EndpointID: settings?.endpointId ?? '',
    Gateway: settings?.gateway ?? '',
    IPAddress: settings?.address ?? '',
    IPPrefixLen: settings?.prefixLength ?? 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  };
}

/** The addresses at the top are those of the default bridge alone; that is where old clients look. */
function networkSettings(view: ContainerView): object {
  const live = isUp(view) ? view.endpoint : undefined;
  const bridge = live?.network === 'bridge' ? live : undefined;
  const ports: Record<string, { HostIp: string; HostPort: string }[] | null> = {};
  if (isUp(view)) {
    for (const exposed of Object.keys(view.config.ExposedPorts ?? {})) ports[exposed.includes('/') ? exposed : `${exposed}/tcp`] = null;
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
    EndpointID: bridge?.endpointId ?? '',
    Gateway: bridge?.gateway ?? '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    IPAddress: bridge?.address ?? '',
    IPPrefixLen: bridge?.prefixLength ?? 0,
    IPv6Gateway: '',
    MacAddress: bridge?.mac ?? '',
    Networks: networks(view),
  };
}

const running = (view: ContainerView): boolean => isUp(view) && view.pid > 0;

/** The fields clients read unconditionally, with Go's zero values, under what was asked for. */
function config(view: ContainerView): object {
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
    ...view.config,
    Labels: view.config.Labels ?? {},
  };
}

function hostConfig(view: ContainerView): object {
  return {
    Binds: null,
    ContainerIDFile: '',
    PortBindings: {},
    VolumeDriver: '',
    VolumesFrom: null,
    ConsoleSize: [0, 0],
    CapAdd: null,
    CapDrop: null,
    CgroupnsMode: 'private',
    Dns: [],
    DnsOptions: [],
    DnsSearch: [],
    ExtraHosts: null,
    GroupAdd: null,
    IpcMode: 'private',
    Cgroup: '',
    Links: null,
    OomScoreAdj: 0,
    PidMode: '',
    Privileged: false,
    PublishAllPorts: false,
    ReadonlyRootfs: false,
    SecurityOpt: null,
    UTSMode: '',
    UsernsMode: '',
    ShmSize: 67_108_864,
    Isolation: '',
    CpuShares: 0,
    Memory: 0,
    NanoCpus: 0,
    CgroupParent: '',
    BlkioWeight: 0,
    BlkioWeightDevice: [],
    CpuPeriod: 0,
    CpuQuota: 0,
    CpusetCpus: '',
    CpusetMems: '',
    Devices: [],
    DeviceCgroupRules: null,
    DeviceRequests: null,
    MemoryReservation: 0,
    MemorySwap: 0,
    MemorySwappiness: null,
    OomKillDisable: false,
    PidsLimit: null,
    Ulimits: [],
    AutoRemove: false,
    ...view.hostConfig,
    Runtime: view.hostConfig.Runtime || 'berth',
    NetworkMode: networkOf(view),
    RestartPolicy: { Name: view.hostConfig.RestartPolicy?.Name || 'no', MaximumRetryCount: view.hostConfig.RestartPolicy?.MaximumRetryCount ?? 0 },
    LogConfig: { Type: view.hostConfig.LogConfig?.Type || 'json-file', Config: view.hostConfig.LogConfig?.Config ?? {} },
  };
}
