import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsInt, IsObject, IsOptional, IsString, Max, Min, ValidateNested } from 'class-validator';
import type { ProcessTable } from '../executor/usage.js';
import type { Done, StreamEndpoint } from '../request.js';
import { Request } from '../request.js';
import { ContainerConfig, HostConfig, LimitChanges } from './container-config.js';
import { AreTextsByName } from './field-shapes.js';

/** Anything a person names a container by: name, id, the beginning of an id, or a link that leads to it ("web/db"). */
abstract class ContainerRequest<Reply> extends Request<Reply> {
  @IsString() readonly container!: string;
}

export interface ContainerCreated extends Done {
  readonly id: string;
  readonly warnings: readonly string[];
}

/** What a container is to have in one network. */
export interface EndpointWish {
  readonly aliases?: readonly string[];
  readonly address?: string;
  readonly ipv6Address?: string;
  /** Besides its address, of 169.254.0.0/16. */
  readonly linkLocalAddresses?: readonly string[];
  readonly mac?: string;
}

export class CreateContainer extends Request<ContainerCreated> {
  static readonly subject = 'berth.command.containers.create';
  static readonly dryRun = true;
  /** Absent: a name is made up. */
  @IsOptional() @IsString() readonly name?: string;
  @ValidateNested() @Type(() => ContainerConfig) readonly config!: ContainerConfig;
  @ValidateNested() @Type(() => HostConfig) readonly hostConfig!: HostConfig;
  @IsOptional() @IsObject() readonly networks?: Record<string, EndpointWish>;
  /** The network mode that a client wrote, where `networks` has an endpoint of another: that one's is the mode of `hostConfig`. */
  @IsOptional() @IsString() readonly askedNetworkMode?: string;
  @IsOptional() @IsString() readonly platform?: string;
  /** Ids of the containers that `hostConfig` names, by those names, where somebody decided by them: nobody else is meant, whoever has a name by now. */
  @IsOptional() @AreTextsByName() readonly named?: Record<string, string>;
}

/** Starting a running container changes nothing (`changed` is false). Resolves when the command was executed in it (execve succeeded). */
export class StartContainer extends ContainerRequest<Done & { readonly changed: boolean }> {
  static readonly subject = 'berth.command.containers.start';
  static readonly dryRun = true;
}

/** The stop signal, a pause, then SIGKILL; resolves when it has exited. Stopping an exited container changes nothing. */
export class StopContainer extends ContainerRequest<Done & { readonly changed: boolean }> {
  static readonly subject = 'berth.command.containers.stop';
  static readonly dryRun = true;
  @IsOptional() @IsString() readonly signal?: string;
  /** Seconds until SIGKILL. -1: for ever. Absent: the container's own stop timeout, else 10. */
  @IsOptional() @IsInt() @Min(-1) readonly timeoutSeconds?: number;
}

export class RestartContainer extends ContainerRequest<Done> {
  static readonly subject = 'berth.command.containers.restart';
  static readonly dryRun = true;
  @IsOptional() @IsString() readonly signal?: string;
  @IsOptional() @IsInt() @Min(-1) readonly timeoutSeconds?: number;
}

export class KillContainer extends ContainerRequest<Done> {
  static readonly subject = 'berth.command.containers.kill';
  static readonly dryRun = true;
  /** Name with or without SIG, or number. Absent: SIGKILL. */
  @IsOptional() @IsString() readonly signal?: string;
}

/** Stops all its processes where they are; they keep memory and descriptors. Resolves when none of them runs. */
export class PauseContainer extends ContainerRequest<Done> {
  static readonly subject = 'berth.command.containers.pause';
  static readonly dryRun = true;
}

export class UnpauseContainer extends ContainerRequest<Done> {
  static readonly subject = 'berth.command.containers.unpause';
  static readonly dryRun = true;
}

/** Resolves when the limits hold, also for what runs now, with warnings of those that this kernel has not; rejects, and all is as it was, when the kernel refuses one. */
export class UpdateContainer extends ContainerRequest<Done & { readonly warnings: readonly string[] }> {
  static readonly subject = 'berth.command.containers.update';
  static readonly dryRun = true;
  @ValidateNested() @Type(() => LimitChanges) readonly changes!: LimitChanges;
}

/** Resolves to the id of the new image. A container is committed once at a time. */
export class CommitContainer extends ContainerRequest<Done & { readonly image: string }> {
  static readonly subject = 'berth.command.containers.commit';
  static readonly dryRun = true;
  /** "name", "name:tag" or '' for none. */
  @IsString() readonly reference!: string;
  @IsString() readonly author!: string;
  @IsString() readonly comment!: string;
  /** Dockerfile instructions, of those that change an image's configuration. */
  @IsArray() @IsString({ each: true }) readonly changes!: string[];
  /** Instead of the container's, which then fills in what is left open. */
  @IsOptional() @ValidateNested() @Type(() => ContainerConfig) readonly config?: ContainerConfig;
  /** One that runs stands still meanwhile. */
  @IsBoolean() readonly pause!: boolean;
}

export class RenameContainer extends ContainerRequest<Done> {
  static readonly subject = 'berth.command.containers.rename';
  static readonly dryRun = true;
  @IsString() readonly name!: string;
}

export class RemoveContainer extends ContainerRequest<Done> {
  static readonly subject = 'berth.command.containers.remove';
  static readonly dryRun = true;
  @IsBoolean() readonly force!: boolean;
  @IsBoolean() readonly volumes!: boolean;
  /** False: for good, so that its space is free now. Absent: it can come back for a while (RestoreContainer), unless it was to go with its run. */
  @IsOptional() @IsBoolean() readonly keep?: boolean;
}

/** Of a link that is named by whose it is and what it is called there, "web/db": it goes, and the container that it leads to stays. What runs loses the name from its /etc/hosts. */
export class RemoveLink extends ContainerRequest<Done> {
  static readonly subject = 'berth.command.containers.remove-link';
  static readonly dryRun = true;
}

export class ResizeContainer extends ContainerRequest<Done> {
  static readonly subject = 'berth.command.containers.resize';
  static readonly dryRun = true;
  @IsInt() @Min(0) @Max(65535) readonly rows!: number;
  @IsInt() @Min(0) @Max(65535) readonly columns!: number;
}

/**
 * A way to the container's standard streams. When `waitForStart`, the container does not run yet: the endpoint works from its next start
 * on (start number `start`), and nothing it prints is lost. Where no stream was asked for there is none, and path and ticket are empty.
 */
export interface AttachReply extends StreamEndpoint {
  readonly id: string;
  readonly terminal: boolean;
  /** Whether it takes any input. */
  readonly openStdin: boolean;
  /** Whether the end of what one client sends is the end of the container's input. */
  readonly stdinOnce: boolean;
  readonly waitForStart: boolean;
  readonly start: number;
}

export class AttachContainer extends ContainerRequest<AttachReply> {
  static readonly subject = 'berth.command.containers.attach';
  static readonly dryRun = true;
  /** False: it is noted that somebody attached, and no more. */
  @IsBoolean() readonly stream!: boolean;
  @IsBoolean() readonly stdin!: boolean;
  @IsBoolean() readonly stdout!: boolean;
  @IsBoolean() readonly stderr!: boolean;
}

/** Notes that a client typed the keys that detach it. */
export class DetachContainer extends ContainerRequest<Done> {
  static readonly subject = 'berth.command.containers.detach';
  /** Of the container's execs, the one that it was attached to. Absent: to the container itself. */
  @IsOptional() @IsString() readonly exec?: string;
}

/** Gives back the place in a container's next start that a ticket stands for. `withdrawn` false: that start has been asked for with it, and what it prints waits for whoever brings it. */
export class WithdrawAttach extends ContainerRequest<{ readonly withdrawn: boolean }> {
  static readonly subject = 'berth.command.containers.withdraw-attach';
  @IsString() readonly ticket!: string;
}

export interface LogsReply extends StreamEndpoint {
  readonly terminal: boolean;
}

/** The bytes behind the endpoint are framed as the Engine API wants them (raw for terminals), and end when the logs do. */
export class ReadLogs extends ContainerRequest<LogsReply> {
  static readonly subject = 'berth.query.containers.logs';
  @IsBoolean() readonly stdout!: boolean;
  @IsBoolean() readonly stderr!: boolean;
  @IsBoolean() readonly follow!: boolean;
  @IsBoolean() readonly timestamps!: boolean;
  /** With labels, variables and the tag that the log's options name, before each line. */
  @IsOptional() @IsBoolean() readonly details?: boolean;
  /** Lines from the end; -1 is all. */
  @IsInt() @Min(-1) readonly tail!: number;
  /** RFC 3339, or '' for no limit. */
  @IsString() readonly since!: string;
  @IsString() readonly until!: string;
}

/** The processes of a running container by the host's ps(1). A command, since that somebody looked is told: once a minute of each container. */
export class ListProcesses extends ContainerRequest<ProcessTable> {
  static readonly subject = 'berth.command.containers.list-processes';
  static readonly dryRun = true;
  /** Arguments of ps(1), parted by blanks. Absent or empty: "-ef". */
  @IsOptional() @IsString() readonly psArgs?: string;
}

export class CreateExec extends ContainerRequest<{ readonly id: string }> {
  static readonly subject = 'berth.command.containers.create-exec';
  static readonly dryRun = true;
  @IsArray() @IsString({ each: true }) readonly args!: string[];
  @IsArray() @IsString({ each: true }) readonly env!: string[];
  @IsString() readonly user!: string;
  @IsString() readonly workingDir!: string;
  @IsBoolean() readonly terminal!: boolean;
  @IsBoolean() readonly attachStdin!: boolean;
  @IsBoolean() readonly attachStdout!: boolean;
  @IsBoolean() readonly attachStderr!: boolean;
  @IsBoolean() readonly privileged!: boolean;
  @IsString() readonly detachKeys!: string;
}

/** Detached: no endpoint in the reply. Otherwise the stream ends when the command has exited. */
export class StartExec extends Request<{ readonly endpoint?: StreamEndpoint; readonly terminal: boolean }> {
  static readonly subject = 'berth.command.containers.start-exec';
  static readonly dryRun = true;
  @IsString() readonly exec!: string;
  @IsBoolean() readonly detach!: boolean;
  @IsOptional() @IsArray() @IsInt({ each: true }) @Min(0, { each: true }) @Max(65535, { each: true }) readonly consoleSize?: number[];
}

export class ResizeExec extends Request<Done> {
  static readonly subject = 'berth.command.containers.resize-exec';
  static readonly dryRun = true;
  @IsString() readonly exec!: string;
  @IsInt() @Min(0) @Max(65535) readonly rows!: number;
  @IsInt() @Min(0) @Max(65535) readonly columns!: number;
}
