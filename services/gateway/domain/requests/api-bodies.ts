import { type GoStruct, integer, list, map, struct, text, TEXTS_OR_TEXT, TRUTH, unsigned } from './go-types.js';

const TEXTS = list(text());
const TEXTS_BY_NAME = map(text());
const NOTHING = struct('struct {}');
const CONSOLE_SIZE = list(unsigned('uint'), '[2]uint');
const RESTART_POLICY = struct('container.RestartPolicy', ['Name', text('container.RestartPolicyMode')], ['MaximumRetryCount', integer('int')]);
const THROTTLES = list(struct('blkiodev.ThrottleDevice', ['Path', text()], ['Rate', unsigned('uint64')]), '[]*blkiodev.ThrottleDevice');

/** Of HostConfig and UpdateConfig both. */
const LIMITS = [
  ['CpuShares Memory NanoCpus CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime KernelMemory KernelMemoryTCP MemoryReservation MemorySwap MemorySwappiness PidsLimit CpuCount CpuPercent', integer()],
  ['IOMaximumIOps IOMaximumBandwidth', unsigned('uint64')],
  ['CgroupParent CpusetCpus CpusetMems', text()],
  ['BlkioWeight', unsigned('uint16', 0xffff)],
  ['BlkioWeightDevice', list(struct('blkiodev.WeightDevice', ['Path', text()], ['Weight', unsigned('uint16', 0xffff)]), '[]*blkiodev.WeightDevice')],
  ['BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps', THROTTLES],
  ['Devices', list(struct('container.DeviceMapping', ['PathOnHost PathInContainer CgroupPermissions', text()]))],
  ['DeviceCgroupRules', TEXTS],
  ['DeviceRequests', list(struct('container.DeviceRequest', ['Driver', text()], ['Count', integer('int')], ['DeviceIDs', TEXTS], ['Capabilities', list(TEXTS)], ['Options', TEXTS_BY_NAME]))],
  ['OomKillDisable', TRUTH],
  ['Ulimits', list(struct('container.Ulimit', ['Name', text()], ['Soft Hard', integer()]), '[]*container.Ulimit')],
] as const;

const MOUNT = struct(
  'mount.Mount',
  ['Type', text('mount.Type')],
  ['Source Target', text()],
  ['ReadOnly', TRUTH],
  ['Consistency', text('mount.Consistency')],
  ['BindOptions', struct('mount.BindOptions', ['Propagation', text('mount.Propagation')], ['NonRecursive CreateMountpoint ReadOnlyNonRecursive ReadOnlyForceRecursive', TRUTH])],
  ['VolumeOptions', struct('mount.VolumeOptions', ['NoCopy', TRUTH], ['Labels', TEXTS_BY_NAME], ['Subpath', text()], ['DriverConfig', struct('mount.Driver', ['Name', text()], ['Options', TEXTS_BY_NAME])])],
  ['ImageOptions', struct('mount.ImageOptions', ['Subpath', text()])],
  ['TmpfsOptions', struct('mount.TmpfsOptions', ['SizeBytes', integer()], ['Mode', unsigned('fs.FileMode', 0xffff_ffff)], ['Options', list(TEXTS)])],
);

const HOST_CONFIG = struct(
  'container.HostConfig',
  ...LIMITS,
  ['ContainerIDFile VolumeDriver Runtime', text()],
  ['NetworkMode', text('container.NetworkMode')],
  ['CgroupnsMode', text('container.CgroupnsMode')],
  ['IpcMode', text('container.IpcMode')],
  ['PidMode', text('container.PidMode')],
  ['UTSMode', text('container.UTSMode')],
  ['UsernsMode', text('container.UsernsMode')],
  ['Cgroup', text('container.CgroupSpec')],
  ['Isolation', text('container.Isolation')],
  ['Binds VolumesFrom Dns DnsOptions DnsSearch ExtraHosts GroupAdd Links SecurityOpt MaskedPaths ReadonlyPaths', TEXTS],
  ['CapAdd CapDrop', TEXTS_OR_TEXT],
  ['AutoRemove Privileged PublishAllPorts ReadonlyRootfs Init', TRUTH],
  ['Annotations StorageOpt Tmpfs Sysctls', TEXTS_BY_NAME],
  ['OomScoreAdj', integer('int')],
  ['ShmSize', integer()],
  ['ConsoleSize', CONSOLE_SIZE],
  ['RestartPolicy', RESTART_POLICY],
  ['LogConfig', struct('container.LogConfig', ['Type', text()], ['Config', TEXTS_BY_NAME])],
  ['PortBindings', map(list(struct('nat.PortBinding', ['HostIp HostPort', text()])), 'nat.PortMap')],
  ['Mounts', list(MOUNT)],
);

const ENDPOINT = struct(
  'network.EndpointSettings',
  ['IPAMConfig', struct('network.EndpointIPAMConfig', ['IPv4Address IPv6Address', text()], ['LinkLocalIPs', TEXTS])],
  ['Links Aliases DNSNames', TEXTS],
  ['MacAddress NetworkID EndpointID Gateway IPAddress IPv6Gateway GlobalIPv6Address', text()],
  ['IPPrefixLen GlobalIPv6PrefixLen GwPriority', integer('int')],
  ['DriverOpts', TEXTS_BY_NAME],
);

const CONFIG = [
  ['Hostname Domainname User Image WorkingDir MacAddress StopSignal', text()],
  ['AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce ArgsEscaped NetworkDisabled', TRUTH],
  ['ExposedPorts', map(NOTHING, 'nat.PortSet')],
  ['Volumes', map(NOTHING)],
  ['Env OnBuild', TEXTS],
  ['Cmd Entrypoint Shell', TEXTS_OR_TEXT],
  ['Labels', TEXTS_BY_NAME],
  ['StopTimeout', integer('int')],
  ['Healthcheck', struct('v1.HealthcheckConfig', ['Test', TEXTS], ['Interval Timeout StartPeriod StartInterval', integer('time.Duration')], ['Retries', integer('int')])],
] as const;

const IPAM = struct('network.IPAM', ['Driver', text()], ['Options', TEXTS_BY_NAME], ['Config', list(struct('network.IPAMConfig', ['Subnet IPRange Gateway', text()], ['AuxiliaryAddresses', TEXTS_BY_NAME]))]);

interface ApiBody {
  readonly route: RegExp;
  /** What Go calls the struct where one of its fields is wrong; of some dockerd has no name. */
  readonly owner: string;
  readonly type: GoStruct;
}

/** The bodies of JSON that the API has (api/types of dockerd 28.5). */
export const API_BODIES: readonly ApiBody[] = [
  {
    route: /^\/containers\/create$/,
    owner: '',
    type: struct('container.CreateRequest', ...CONFIG, ['HostConfig', HOST_CONFIG], ['NetworkingConfig', struct('network.NetworkingConfig', ['EndpointsConfig', map(ENDPOINT, 'map[string]*network.EndpointSettings')])]),
  },
  { route: /^\/commit$/, owner: '', type: struct('container.CreateRequest', ...CONFIG) },
  { route: /^\/containers\/[^/]+\/update$/, owner: 'UpdateConfig', type: struct('container.UpdateConfig', ...LIMITS, ['RestartPolicy', RESTART_POLICY]) },
  {
    route: /^\/containers\/[^/]+\/exec$/,
    owner: 'ExecOptions',
    type: struct('container.ExecOptions', ['User DetachKeys WorkingDir', text()], ['Privileged Tty AttachStdin AttachStdout AttachStderr', TRUTH], ['Env Cmd', TEXTS], ['ConsoleSize', CONSOLE_SIZE]),
  },
  { route: /^\/exec\/[^/]+\/start$/, owner: 'ExecStartOptions', type: struct('container.ExecStartOptions', ['Detach Tty', TRUTH], ['ConsoleSize', CONSOLE_SIZE]) },
  {
    route: /^\/volumes\/create$/,
    owner: 'CreateOptions',
    type: struct('volume.CreateOptions', ['Name Driver', text()], ['Labels DriverOpts', TEXTS_BY_NAME], ['ClusterVolumeSpec', struct('volume.ClusterVolumeSpec')]),
  },
  {
    route: /^\/networks\/create$/,
    owner: 'CreateRequest',
    type: struct('network.CreateRequest', ['Name Driver Scope', text()], ['EnableIPv4 EnableIPv6 Internal Attachable Ingress ConfigOnly CheckDuplicate', TRUTH], ['Options Labels', TEXTS_BY_NAME], ['IPAM', IPAM], ['ConfigFrom', struct('network.ConfigReference', ['Network', text()])]),
  },
  { route: /^\/auth$/, owner: '', type: struct('registry.AuthConfig', ['username password auth email serveraddress identitytoken registrytoken', text()]) },
];
