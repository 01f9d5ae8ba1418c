import { IsArray, IsBoolean, IsIn, IsInt, IsObject, IsOptional, IsString, Max, Min } from 'class-validator';
import type { Ulimit } from '../containers/container-config.js';
import type { ContainerMount, EndpointSettings, PublishedPort } from '../containers/container-state.js';
import type { IdMaps } from './id-maps.js';
import type { Done, StreamEndpoint } from '../request.js';
import { Request } from '../request.js';
import { IsObjectId } from '../object-id.js';

export interface TaskProcess {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  /** As the client wrote it: "", "name", "uid", "uid:gid", "name:group". */
  readonly user: string;
  readonly groups: readonly string[];
  readonly terminal: boolean;
  readonly rows: number;
  readonly columns: number;
  readonly openStdin: boolean;
  readonly stdinOnce: boolean;
}

export interface TaskSecurity {
  readonly privileged: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly noNewPrivileges: boolean;
  /** 'default', 'unconfined', or a profile in Docker's JSON. */
  readonly seccomp: string;
  /** What is hidden, and what cannot be written; absent: Docker's lists. */
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  /** Name of an AppArmor profile that the host has loaded, or 'unconfined'. Absent: as Docker has it by default. */
  readonly apparmor?: string;
}

export interface TaskResources {
  readonly memoryBytes?: number;
  readonly memorySwapBytes?: number;
  readonly memoryReservationBytes?: number;
  readonly nanoCpus?: number;
  readonly cpuShares?: number;
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  readonly cpuRealtimePeriod?: number;
  readonly cpuRealtimeRuntime?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly pidsLimit?: number;
  readonly blockWeight?: number;
  /** 0 to 100 */
  readonly swappiness?: number;
  readonly oomKillDisable?: boolean;
  readonly throttles?: readonly BlockThrottle[];
}

/** `path`: a block device of the host. Rates are a second. */
export interface BlockThrottle {
  readonly path: string;
  readonly limits: 'read-bytes' | 'write-bytes' | 'read-operations' | 'write-operations';
  readonly rate: number;
}

/** A device of the host's, or all below a directory, at `target` in the container. */
export interface TaskDevice {
  readonly source: string;
  readonly target: string;
  /** Of "r", "w" and "m". */
  readonly access: string;
}

/** Namespaces that are the host's own. The network's is in TaskNetwork. */
export type HostNamespace = 'pid' | 'ipc' | 'uts' | 'cgroup';

export type TaskNetwork =
  | { readonly mode: 'none' | 'host' }
  | { readonly mode: 'bridge'; readonly endpoint: EndpointSettings; readonly linkLocalAddresses?: readonly string[] }
  | { readonly mode: 'container'; readonly container: string };

/** How a task's output is kept. */
export interface TaskLog {
  readonly driver: 'json-file' | 'local' | 'none' | LogReceiver['type'];
  /** 0: it is never rotated. */
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** Rotated files are compressed. */
  readonly compress: boolean;
  /** Who is sent each line, beside the files, which are read from. */
  readonly receiver?: LogReceiver;
}

export type LogReceiver = SyslogReceiver | JournalReceiver;

export interface SyslogReceiver {
  readonly type: 'syslog';
  /** "tcp://host:port" and the like; '': the host's own. */
  readonly address: string;
  /** 0 to 23, RFC 5424, 6.2.1 */
  readonly facility: number;
  readonly format: SyslogFormat;
  readonly tag: string;
  /** Of tcp+tls: files of the host, in PEM. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly skipVerify: boolean };
}

/** 'local' is what a host's own syslog is told: rfc3164 without the host's name. */
export type SyslogFormat = 'local' | 'rfc3164' | 'rfc5424' | 'rfc5424micro';

export interface JournalReceiver {
  readonly type: 'journald';
  /** Of each entry, beside the message and its priority. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Ids of the containers whose processes it is among, and whose IPC and /dev/shm it shares. */
export interface TaskJoins {
  readonly pid?: string;
  readonly ipc?: string;
}

export interface AttachTicket {
  readonly ticket: string;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/**
 * One run of one container. Identified by container and start number: the same launch twice is one task. Resolves when the command was
 * executed; rejects with what failed, and nothing of it is left.
 */
export class LaunchTask extends Request<Done & { readonly pid: number; readonly startedAt: string }> {
  static readonly subject = 'berth.command.executor.launch-task';
  @IsObjectId() readonly container!: string;
  @IsInt() @Min(1) readonly start!: number;
  @IsString() readonly name!: string;
  @IsObject() readonly process!: TaskProcess;
  @IsObject() readonly security!: TaskSecurity;
  @IsObject() readonly resources!: TaskResources;
  /** Chain ids, top first. */
  @IsArray() readonly layers!: readonly string[];
  @IsBoolean() readonly readOnlyRoot!: boolean;
  @IsArray() readonly mounts!: readonly ContainerMount[];
  @IsObject() readonly network!: TaskNetwork;
  @IsString() readonly hostname!: string;
  @IsString() readonly domainname!: string;
  @IsArray() readonly extraHosts!: readonly string[];
  @IsArray() readonly dns!: readonly string[];
  @IsArray() readonly dnsSearch!: readonly string[];
  @IsArray() readonly dnsOptions!: readonly string[];
  @IsArray() readonly ulimits!: readonly Ulimit[];
  @IsObject() readonly sysctls!: Record<string, string>;
  @IsOptional() @IsInt() readonly oomScoreAdj?: number;
  /** 0: the container has no /dev/shm. */
  @IsInt() readonly shmSizeBytes!: number;
  @IsOptional() @IsArray() readonly devices?: readonly TaskDevice[];
  /** Names of the Container Device Interface, "vendor.com/class=name", or "gpu=name" of whose vendor the machine has some. */
  @IsOptional() @IsArray() readonly cdiDevices?: readonly string[];
  /** Further device rules, "c 1:3 rwm" (kernel: admin-guide/cgroup-v1/devices). */
  @IsOptional() @IsArray() readonly deviceRules?: readonly string[];
  @IsOptional() @IsArray() readonly hostNamespaces?: readonly HostNamespace[];
  /** Each has to run. */
  @IsOptional() @IsObject() readonly joins?: TaskJoins;
  /** The cgroup that its own is made in, from the top, "/a/b" or "" for the top itself; absent: the engine's. Made when it is missing, and then gone with the last one in it. */
  @IsOptional() @IsString() readonly cgroupParent?: string;
  /** Ids of the engine's, or of the container's own user namespace; absent: the host's. */
  @IsOptional() @IsIn(['engine', 'private']) readonly userNamespace?: 'engine' | 'private';
  /** For an OCI runtime; Berth's own knows none. */
  @IsOptional() @IsObject() readonly annotations?: Record<string, string>;
  @IsBoolean() readonly init!: boolean;
  @IsObject() readonly log!: TaskLog;
  @IsArray() readonly tickets!: readonly AttachTicket[];
  /** An installed OCI runtime that carries the spec out, "runc" or "crun"; absent: Berth's own. */
  @IsOptional() @IsString() readonly runtime?: string;
}

/** A launch, beside its being a request. */
export type LaunchFields = Omit<LaunchTask, 'reply'>;

abstract class TaskRequest<Reply> extends Request<Reply> {
  @IsObjectId() readonly container!: string;
  @IsInt() @Min(1) readonly start!: number;
}

/** A task that has ended hears no signal: nothing changes. */
export class SignalTask extends TaskRequest<Done> {
  static readonly subject = 'berth.command.executor.signal-task';
  @IsInt() @Min(1) @Max(64) readonly signal!: number;
  /** Meant to end the task: its exit is then told as this command's doing. */
  @IsBoolean() readonly ends!: boolean;
}

/** A signal for an exec's own process, a health check's too. One that has ended, or never was, hears none. */
export class SignalExec extends TaskRequest<Done> {
  static readonly subject = 'berth.command.executor.signal-exec';
  @IsObjectId() readonly exec!: string;
  @IsInt() @Min(1) @Max(64) readonly signal!: number;
}

/** Kills it, whatever it is doing, and resolves when its end is on the log, at the position replied. One that never was, or has ended, changes nothing. */
export class EndTask extends TaskRequest<Done> {
  static readonly subject = 'berth.command.executor.end-task';
}

/** Resolves when no process of it runs any more; rejects, and they run on, when the kernel cannot stop them all in time. Twice is once. */
export class FreezeTask extends TaskRequest<Done> {
  static readonly subject = 'berth.command.executor.freeze-task';
}

/** One that is not frozen, or has ended, changes nothing. */
export class ThawTask extends TaskRequest<Done> {
  static readonly subject = 'berth.command.executor.thaw-task';
}

/** Puts these limits on a running task, all or none. One that has ended changes nothing. */
export class UpdateTask extends TaskRequest<Done> {
  static readonly subject = 'berth.command.executor.update-task';
  @IsObject() readonly resources!: TaskResources;
}

/** Publishes these ports of a running task, and no others. All or none. One that has ended changes nothing. */
export class ChangeTaskPorts extends TaskRequest<Done> {
  static readonly subject = 'berth.command.executor.change-ports';
  /** The container's, for who reads an error. */
  @IsString() readonly name!: string;
  /** The container's, in its network. */
  @IsString() readonly address!: string;
  @IsArray() readonly ports!: readonly PublishedPort[];
}

/** In /etc/hosts of a running task: a line that begins with one of these names gets the address, or goes where there is none; all else stays as the container has it. */
export class ChangeTaskHosts extends TaskRequest<Done> {
  static readonly subject = 'berth.command.executor.change-hosts';
  @IsArray() readonly changes!: readonly HostChange[];
}

export interface HostChange {
  readonly name: string;
  readonly address?: string;
}

export class ResizeTask extends TaskRequest<Done> {
  static readonly subject = 'berth.command.executor.resize-task';
  /** Absent: the container's own terminal. */
  @IsOptional() @IsObjectId() readonly exec?: string;
  @IsInt() @Min(0) @Max(65535) readonly rows!: number;
  @IsInt() @Min(0) @Max(65535) readonly columns!: number;
}

export class OpenTaskStreams extends TaskRequest<StreamEndpoint> {
  static readonly subject = 'berth.command.executor.open-task-streams';
  @IsOptional() @IsObjectId() readonly exec?: string;
  @IsBoolean() readonly stdin!: boolean;
  @IsBoolean() readonly stdout!: boolean;
  @IsBoolean() readonly stderr!: boolean;
}

/** Runs a further command in a running task. Resolves when it was executed. Its start and end become the task's events, unless it is a health check. */
export class LaunchExec extends TaskRequest<Done & { readonly pid: number }> {
  static readonly subject = 'berth.command.executor.launch-exec';
  @IsObjectId() readonly exec!: string;
  @IsObject() readonly process!: TaskProcess;
  /** The container's own. */
  @IsObject() readonly security!: TaskSecurity;
  /** All capabilities; the container's filter stays, as in Docker. */
  @IsBoolean() readonly privileged!: boolean;
  @IsArray() readonly ulimits!: readonly Ulimit[];
  /** The container's; absent: none was asked for. */
  @IsOptional() @IsInt() readonly oomScoreAdj?: number;
  @IsArray() readonly tickets!: readonly AttachTicket[];
  /** A health check: how it went goes on the log with what is made of it, so whoever asks for it asks for its end, too. A task has one at a time: those before it are killed. */
  @IsOptional() @IsBoolean() readonly check?: boolean;
}

/** Rejects as invalid, in dockerd's words, for a `user[:group]` that a running task's own files do not know. */
export class CheckTaskUser extends TaskRequest<Done> {
  static readonly subject = 'berth.query.executor.check-task-user';
  @IsString() readonly user!: string;
  /** The container's own. */
  @IsObject() readonly security!: TaskSecurity;
}

/** Times are RFC 3339, the kernel's real time. */
export interface HealthCheckEnd {
  /** Absent: it could not be executed. */
  readonly startedAt?: string;
  readonly endedAt: string;
  readonly exitCode: number;
}

/** Resolves when a health check has ended, also for who asks again, until the task's next one begins. Rejects as not-found for one that is not known, as conflict when the task ends before it. */
export class AwaitHealthCheck extends TaskRequest<HealthCheckEnd> {
  static readonly subject = 'berth.query.executor.await-health-check';
  @IsObjectId() readonly exec!: string;
}

/** Writable layer, log and files of a container whose tasks have ended. Removing what is not there changes nothing. */
export class RemoveContainerFiles extends Request<Done> {
  static readonly subject = 'berth.command.executor.remove-container-files';
  @IsObjectId() readonly container!: string;
  /** They are moved aside, so that the container can come back (kept.ts). */
  @IsOptional() @IsBoolean() readonly keep?: boolean;
}

export class OpenLogs extends Request<StreamEndpoint> {
  static readonly subject = 'berth.query.executor.open-logs';
  @IsObjectId() readonly container!: string;
  @IsBoolean() readonly stdout!: boolean;
  @IsBoolean() readonly stderr!: boolean;
  @IsBoolean() readonly follow!: boolean;
  @IsBoolean() readonly timestamps!: boolean;
  /** Text before each line, and a blank; absent: neither. */
  @IsOptional() @IsString() readonly details?: string;
  @IsBoolean() readonly terminal!: boolean;
  @IsInt() readonly tail!: number;
  @IsString() readonly since!: string;
  @IsString() readonly until!: string;
}

/** Host ports that lead to a task's address while it runs: on the log, so that the firewall can be made anew under running containers. */
export interface PublishedEndpoint {
  readonly address: string;
  readonly ports: readonly PublishedPort[];
}

/** What parts of a start took, in microseconds: its root made of layers; its first process cloned, and in its cgroups; mounts, devices and masks, until it is in its root. */
export interface StartTimes {
  readonly snapshot: number;
  /** Of an installed runtime neither these are known. */
  readonly clone?: number;
  readonly mounts?: number;
}

/** `berth.event.task.<container>-<start>`, written by the executor alone. Exec events carry the exec's id. */
export type TaskEvent =
  | { readonly type: 'TaskRequested'; readonly container: string; readonly start: number; readonly published?: PublishedEndpoint; readonly runtime?: string; readonly cgroupParent?: string; readonly ids?: IdMaps; readonly at: string }
  | { readonly type: 'TaskStarted'; readonly container: string; readonly start: number; readonly pid: number; readonly took?: StartTimes; readonly at: string }
  | { readonly type: 'TaskFailed'; readonly container: string; readonly start: number; readonly error: string; readonly at: string }
  /** All that is published from now on; a later one takes it back where it was refused. */
  | { readonly type: 'PortsChanged'; readonly container: string; readonly start: number; readonly published: PublishedEndpoint; readonly at: string }
  /** Asked for by the commit's cause; sent when this is on the log. */
  | { readonly type: 'SignalRequested'; readonly container: string; readonly start: number; readonly signal: number; readonly ends: boolean; readonly at: string }
  /** Processes of it were killed by the OOM killer: `kills` of its run until then. Those of its last moment come with its end. */
  | { readonly type: 'TaskOutOfMemory'; readonly container: string; readonly start: number; readonly kills: number; readonly at: string }
  | { readonly type: 'TaskExited'; readonly container: string; readonly start: number; readonly exitCode: number; readonly signal: number; readonly oomKilled: boolean; readonly keeperLost: boolean; readonly at: string }
  | { readonly type: 'ExecStarted'; readonly container: string; readonly start: number; readonly exec: string; readonly pid: number; readonly at: string }
  | { readonly type: 'ExecExited'; readonly container: string; readonly start: number; readonly exec: string; readonly exitCode: number; readonly at: string };
