import { IsArray, IsBoolean, IsInt, IsObject, IsOptional, IsString } from 'class-validator';
import { AreDeviceRequests, AreDevices, AreDeviceWeights, AreMounts, ArePortBindings, AreThrottles, AreTextsByName, AreUlimits, IsHealthcheck, IsLogConfig, IsRestartPolicy } from './field-shapes.js';

/**
 * What the client asked for, in the Engine API's own terms (`ContainerConfig` and `HostConfig` of its schema): these two are the interchange
 * form of a container everywhere in the field, so they are kept and given back as they came, with defaults filled in.
 */
export class ContainerConfig {
  @IsOptional() @IsString() Hostname?: string;
  @IsOptional() @IsString() Domainname?: string;
  @IsOptional() @IsString() User?: string;
  @IsOptional() @IsBoolean() AttachStdin?: boolean;
  @IsOptional() @IsBoolean() AttachStdout?: boolean;
  @IsOptional() @IsBoolean() AttachStderr?: boolean;
  @IsOptional() @IsObject() ExposedPorts?: Record<string, object> | null;
  @IsOptional() @IsBoolean() Tty?: boolean;
  @IsOptional() @IsBoolean() OpenStdin?: boolean;
  @IsOptional() @IsBoolean() StdinOnce?: boolean;
  @IsOptional() @IsArray() @IsString({ each: true }) Env?: string[] | null;
  @IsOptional() @IsArray() @IsString({ each: true }) Cmd?: string[] | null;
  @IsOptional() @IsString() Image?: string;
  @IsOptional() @IsObject() Volumes?: Record<string, object> | null;
  @IsOptional() @IsString() WorkingDir?: string;
  @IsOptional() @IsArray() @IsString({ each: true }) Entrypoint?: string[] | null;
  @IsOptional() @AreTextsByName() Labels?: Record<string, string> | null;
  @IsOptional() @IsString() StopSignal?: string;
  @IsOptional() @IsInt() StopTimeout?: number | null;
  /** On the network of `NetworkMode`; '' and absent: made from the address. */
  @IsOptional() @IsString() MacAddress?: string;
  @IsOptional() @IsHealthcheck() Healthcheck?: Healthcheck | null;
  /** In the network namespace of its own that `none` has, whatever `NetworkMode` says. */
  @IsOptional() @IsBoolean() NetworkDisabled?: boolean;
  /** Of images that are made of it: what is done when others are built on them, and what runs a command that is a text. */
  @IsOptional() @IsArray() @IsString({ each: true }) OnBuild?: string[] | null;
  @IsOptional() @IsArray() @IsString({ each: true }) Shell?: string[] | null;
  /** Of Windows alone. */
  @IsOptional() @IsBoolean() ArgsEscaped?: boolean;
}

/** Times are nanoseconds; 0 and what is absent stand for the image's value, and then for Docker's default. */
export interface Healthcheck {
  /** [] inherits; ["NONE"], ["CMD", word…], ["CMD-SHELL", text]. */
  readonly Test?: readonly string[] | null;
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

export interface PortBinding {
  readonly HostIp?: string;
  readonly HostPort?: string;
}

export interface RestartPolicy {
  readonly Name?: '' | 'no' | 'always' | 'unless-stopped' | 'on-failure';
  readonly MaximumRetryCount?: number;
}

/** What can be changed of a container that is there; a field that is absent stays. PidsLimit 0: no limit. */
export class LimitChanges {
  @IsOptional() @IsInt() Memory?: number;
  @IsOptional() @IsInt() MemorySwap?: number;
  @IsOptional() @IsInt() MemoryReservation?: number;
  @IsOptional() @IsInt() NanoCpus?: number;
  @IsOptional() @IsInt() CpuShares?: number;
  @IsOptional() @IsInt() CpuQuota?: number;
  @IsOptional() @IsInt() CpuPeriod?: number;
  @IsOptional() @IsInt() CpuRealtimePeriod?: number;
  @IsOptional() @IsInt() CpuRealtimeRuntime?: number;
  @IsOptional() @IsString() CpusetCpus?: string;
  @IsOptional() @IsString() CpusetMems?: string;
  @IsOptional() @IsInt() PidsLimit?: number;
  @IsOptional() @IsInt() BlkioWeight?: number;
  @IsOptional() @IsRestartPolicy() RestartPolicy?: RestartPolicy;
}

export interface MountRequest {
  readonly Type: 'bind' | 'volume' | 'tmpfs';
  readonly Source?: string;
  readonly Target: string;
  readonly ReadOnly?: boolean;
  readonly BindOptions?: { readonly Propagation?: string; readonly NonRecursive?: boolean; readonly CreateMountpoint?: boolean; readonly ReadOnlyNonRecursive?: boolean; readonly ReadOnlyForceRecursive?: boolean };
  readonly VolumeOptions?: {
    readonly NoCopy?: boolean;
    readonly Labels?: Record<string, string>;
    readonly DriverConfig?: { readonly Name?: string; readonly Options?: Record<string, string> };
    readonly Subpath?: string;
  };
  readonly TmpfsOptions?: { readonly SizeBytes?: number; readonly Mode?: number; readonly Options?: readonly (readonly string[])[] };
}

export interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

export interface DeviceMapping {
  readonly PathOnHost: string;
  readonly PathInContainer?: string;
  /** Of "r", "w" and "m"; '' and absent: all. */
  readonly CgroupPermissions?: string;
}

/** Bytes or operations a second for one block device. */
export interface Throttle {
  readonly Path: string;
  readonly Rate: number;
}

/** Devices by what a driver calls them: `--gpus`, or a name of the Container Device Interface. */
export interface DeviceRequest {
  readonly Driver?: string | null;
  /** -1: all. */
  readonly Count?: number | null;
  readonly DeviceIDs?: readonly string[] | null;
  readonly Capabilities?: readonly (readonly string[])[] | null;
  readonly Options?: Readonly<Record<string, string>> | null;
}

export class HostConfig {
  @IsOptional() @IsArray() @IsString({ each: true }) Binds?: string[] | null;
  @IsOptional() @AreMounts() Mounts?: MountRequest[] | null;
  /** Of volumes that -v makes. */
  @IsOptional() @IsString() VolumeDriver?: string;
  @IsOptional() @AreTextsByName() Tmpfs?: Record<string, string> | null;
  @IsOptional() @IsString() NetworkMode?: string;
  @IsOptional() @ArePortBindings() PortBindings?: Record<string, PortBinding[] | null> | null;
  @IsOptional() @IsBoolean() PublishAllPorts?: boolean;
  @IsOptional() @IsRestartPolicy() RestartPolicy?: RestartPolicy | null;
  @IsOptional() @IsBoolean() AutoRemove?: boolean;
  @IsOptional() @IsLogConfig() LogConfig?: { Type?: string; Config?: Record<string, string> | null } | null;
  @IsOptional() @IsArray() @IsString({ each: true }) CapAdd?: string[] | null;
  @IsOptional() @IsArray() @IsString({ each: true }) CapDrop?: string[] | null;
  @IsOptional() @IsArray() @IsString({ each: true }) Dns?: string[] | null;
  @IsOptional() @IsArray() @IsString({ each: true }) DnsSearch?: string[] | null;
  @IsOptional() @IsArray() @IsString({ each: true }) DnsOptions?: string[] | null;
  @IsOptional() @IsArray() @IsString({ each: true }) ExtraHosts?: string[] | null;
  @IsOptional() @IsArray() @IsString({ each: true }) GroupAdd?: string[] | null;
  @IsOptional() @IsBoolean() Privileged?: boolean;
  @IsOptional() @IsBoolean() ReadonlyRootfs?: boolean;
  @IsOptional() @IsArray() @IsString({ each: true }) SecurityOpt?: string[] | null;
  /** Instead of the engine's own lists, which null and nothing stand for. */
  @IsOptional() @IsArray() @IsString({ each: true }) MaskedPaths?: string[] | null;
  @IsOptional() @IsArray() @IsString({ each: true }) ReadonlyPaths?: string[] | null;
  @IsOptional() @IsBoolean() Init?: boolean | null;
  @IsOptional() @IsString() Runtime?: string;
  @IsOptional() @IsInt() ShmSize?: number;
  @IsOptional() @IsInt() Memory?: number;
  @IsOptional() @IsInt() MemorySwap?: number;
  @IsOptional() @IsInt() MemoryReservation?: number;
  @IsOptional() @IsInt() NanoCpus?: number;
  @IsOptional() @IsInt() CpuShares?: number;
  @IsOptional() @IsInt() CpuQuota?: number;
  @IsOptional() @IsInt() CpuPeriod?: number;
  @IsOptional() @IsInt() CpuRealtimePeriod?: number;
  @IsOptional() @IsInt() CpuRealtimeRuntime?: number;
  @IsOptional() @IsString() CpusetCpus?: string;
  @IsOptional() @IsString() CpusetMems?: string;
  @IsOptional() @IsInt() PidsLimit?: number | null;
  @IsOptional() @IsInt() OomScoreAdj?: number;
  @IsOptional() @AreUlimits() Ulimits?: Ulimit[] | null;
  @IsOptional() @AreTextsByName() Sysctls?: Record<string, string> | null;
  @IsOptional() @IsInt() BlkioWeight?: number;
  @IsOptional() @AreDeviceWeights() BlkioWeightDevice?: { readonly Path: string; readonly Weight: number }[] | null;
  @IsOptional() @AreThrottles() BlkioDeviceReadBps?: Throttle[] | null;
  @IsOptional() @AreThrottles() BlkioDeviceWriteBps?: Throttle[] | null;
  @IsOptional() @AreThrottles() BlkioDeviceReadIOps?: Throttle[] | null;
  @IsOptional() @AreThrottles() BlkioDeviceWriteIOps?: Throttle[] | null;
  @IsOptional() @IsInt() MemorySwappiness?: number | null;
  @IsOptional() @IsBoolean() OomKillDisable?: boolean | null;
  @IsOptional() @AreDevices() Devices?: DeviceMapping[] | null;
  @IsOptional() @AreDeviceRequests() DeviceRequests?: DeviceRequest[] | null;
  @IsOptional() @IsArray() @IsString({ each: true }) DeviceCgroupRules?: string[] | null;
  @IsOptional() @IsString() IpcMode?: string;
  @IsOptional() @IsString() PidMode?: string;
  @IsOptional() @IsString() UTSMode?: string;
  @IsOptional() @IsString() CgroupnsMode?: string;
  @IsOptional() @IsString() CgroupParent?: string;
  /** "", "host" or, Berth's own, "private". */
  @IsOptional() @IsString() UsernsMode?: string;
  @IsOptional() @IsArray() @IsString({ each: true }) VolumesFrom?: string[] | null;
  @IsOptional() @IsArray() @IsString({ each: true }) Links?: string[] | null;
  @IsOptional() @AreTextsByName() StorageOpt?: Record<string, string> | null;
  @IsOptional() @AreTextsByName() Annotations?: Record<string, string> | null;
  @IsOptional() @IsString() Isolation?: string;
  @IsOptional() @IsArray() @IsInt({ each: true }) ConsoleSize?: number[] | null;
}
