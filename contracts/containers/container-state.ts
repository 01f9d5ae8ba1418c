import type { ContainerConfig, HostConfig } from './container-config.js';

export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

export interface ContainerMount {
  readonly type: 'bind' | 'volume' | 'tmpfs';
  /** Volume name; absent for binds and tmpfs. */
  readonly name?: string;
  /** Host path; empty for tmpfs. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** What -v said of it ("ro,Z"), as it is shown; absent of a container that an older engine made. */
  readonly mode?: string;
  readonly propagation: string;
  /** A bind without the mounts below its source. */
  readonly nonRecursive?: boolean;
  /** Of a bind that is read-only: the mounts below its source are not ('never'), or the start fails ('always'). Absent: they are where the runtime can. */
  readonly readOnlyBelow?: 'never' | 'always';
  /** Of a volume: the path in it that is mounted; absent: all of it. */
  readonly subpath?: string;
  /** Mount data for tmpfs ("size=…,mode=…"). */
  readonly options?: string;
  /** An empty volume was filled, when the container was created, with what the image holds at the target. */
  readonly copyUp?: boolean;
  readonly anonymous?: boolean;
  /** A bind's missing source is made, as `-v` does and `--mount` does not. */
  readonly createSource?: boolean;
}

export interface PublishedPort {
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly hostIp: string;
  readonly hostPort: number;
}

/** A host port that is wished for: 0 stands for any free one. */
export interface PortRequest extends PublishedPort {
  /** The last port of a range that starts at `hostPort`: the first free one of it. */
  readonly hostPortEnd?: number;
}

/** A container's place in one network: address, MAC and published ports while it runs. */
export interface EndpointSettings {
  readonly network: string;
  readonly networkId: string;
  readonly endpointId: string;
  readonly bridge: string;
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway: string;
  readonly mac: string;
  readonly mtu: number;
  readonly ports: readonly PublishedPort[];
}

export type HealthStatus = 'starting' | 'healthy' | 'unhealthy';

/** One run of the health check's command. Times are RFC 3339; -1 is the exit code of one that could not be run or took too long. */
export interface HealthProbe {
  readonly startedAt: string;
  readonly endedAt: string;
  readonly exitCode: number;
  /** Its first 4096 bytes. */
  readonly output: string;
}

/** How a health check's command ran, as an exec of its container. */
export interface ProbeExec {
  readonly id: string;
  readonly args: readonly string[];
  /** Absent: it could not be executed. */
  readonly startedAt?: string;
  /** Absent: it was killed, and nobody saw it end. The exit code is the command's own, or its signal's and 128. */
  readonly end?: { readonly exitCode: number; readonly at: string };
}

export interface ContainerHealth {
  readonly status: HealthStatus;
  /** Failures since the last success that counted. */
  readonly failingStreak: number;
  /** The last five, the newest last. */
  readonly log: readonly HealthProbe[];
}

/** One container as every reader sees it: what was asked for, and how its last run stands. Times are RFC 3339, '' when not yet. */
export interface ContainerView {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** Digest of the image's configuration, "sha256:…". */
  readonly imageId: string;
  readonly imageRef: string;
  /** Asked for, besides the one that its network gives it; absent: none. */
  readonly linkLocalAddresses?: readonly string[];
  /** The network mode that its maker wrote, where it is not the one of its network. */
  readonly askedNetworkMode?: string;
  /** Names of labels that nobody gave the container but its image; absent where there are none. */
  readonly labelsOfImage?: readonly string[];
  /** argv[0] and the rest, entrypoint and command combined. */
  readonly path: string;
  readonly args: readonly string[];
  readonly mounts: readonly ContainerMount[];
  readonly status: ContainerStatus;
  readonly startNumber: number;
  readonly pid: number;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly error: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly restartCount: number;
  readonly endpoint?: EndpointSettings;
  /** From the first start on, of a container that has a health check. */
  readonly health?: ContainerHealth;
  readonly execIds: readonly string[];
  readonly logPath: string;
  readonly directory: string;
}

/** What a list tells of a container: of its wishes and its health the few that lists show and filter by, since a list may be of thousands. */
export type ListedContainer = Omit<ContainerView, 'config' | 'hostConfig' | 'health' | 'labelsOfImage' | 'execIds' | 'logPath' | 'directory'> & {
  readonly config: Pick<ContainerConfig, 'Image' | 'ExposedPorts' | 'Labels' | 'NetworkDisabled'>;
  readonly hostConfig: Pick<HostConfig, 'NetworkMode' | 'Tmpfs' | 'Annotations'>;
  readonly health?: Pick<ContainerHealth, 'status'>;
  /** What links call it, "web/db" each. */
  readonly linkNames?: readonly string[];
};

export interface ExecView {
  readonly id: string;
  readonly container: string;
  readonly config: ExecConfig;
  readonly running: boolean;
  readonly exitCode: number | null;
  readonly pid: number;
}

export interface ExecConfig {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly user: string;
  readonly workingDir: string;
  readonly terminal: boolean;
  readonly attachStdin: boolean;
  readonly attachStdout: boolean;
  readonly attachStderr: boolean;
  readonly privileged: boolean;
  readonly detachKeys: string;
  /** An older engine's health check, and no client's wish: those of today are on the log with what they came to (`HealthProbed`). */
  readonly probe?: true;
}
