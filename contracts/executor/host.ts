import { IsArray, IsBoolean, IsInt, IsOptional, IsString, Max, Min } from 'class-validator';
import type { Done } from '../request.js';
import { Request } from '../request.js';
import { IsObjectId } from '../object-id.js';

/** Unpacks one layer blob onto its parent's snapshot. Once done, again is nothing. Rejects when the bytes are not those of `diffId`. */
export class UnpackLayer extends Request<Done & { readonly sizeBytes: number }> {
  static readonly subject = 'berth.command.executor.unpack-layer';
  @IsString() readonly chainId!: string;
  @IsString() readonly diffId!: string;
  /** Digest of the blob in the content store, "sha256:…" */
  @IsString() readonly digest!: string;
  @IsString() readonly mediaType!: string;
}

export class RemoveLayer extends Request<Done> {
  static readonly subject = 'berth.command.executor.remove-layer';
  @IsString() readonly chainId!: string;
}

/** Of all unpacked layers, keeps those that some image has. Before any is unpacked: what else is there was left behind by a process that died. */
export class KeepLayers extends Request<Done> {
  static readonly subject = 'berth.command.executor.keep-layers';
  @IsArray() @IsString({ each: true }) readonly chainIds!: string[];
}

export class EnsureVolumeDirectory extends Request<Done & { readonly path: string }> {
  static readonly subject = 'berth.command.executor.ensure-volume';
  @IsString() readonly name!: string;
}

/** Fills a volume, or a part of one, if it is empty, with what an image holds where a container has it. Nothing there: nothing happens. A part that leads out of its volume is invalid. */
export class FillVolume extends Request<Done> {
  static readonly subject = 'berth.command.executor.fill-volume';
  @IsString() readonly name!: string;
  /** Chain ids, top first. */
  @IsArray() @IsString({ each: true }) readonly layers!: readonly string[];
  @IsString() readonly path!: string;
  /** Of the volume's directory, in whose place that one is filled. */
  @IsOptional() @IsString() readonly subpath?: string;
}

/** Rejects as invalid, in dockerd's words, where one of these paths is not there. It changes nothing; a command, since who may ask it learns of the host. */
export class CheckBindSources extends Request<Done> {
  static readonly subject = 'berth.command.executor.check-bind-sources';
  static readonly dryRun = true;
  @IsArray() @IsString({ each: true }) readonly sources!: readonly string[];
}

export class RemoveVolumeDirectory extends Request<Done> {
  static readonly subject = 'berth.command.executor.remove-volume';
  @IsString() readonly name!: string;
  /** The removed container with which it can come back: its files are moved aside (kept.ts). */
  @IsOptional() @IsObjectId() readonly keptFor?: string;
}

/** Directories of volumes, as they are on the disk: `half` were not made, or not removed, to the end. */
export class ListVolumeDirectories extends Request<{ readonly whole: readonly string[]; readonly half: readonly string[] }> {
  static readonly subject = 'berth.query.executor.volume-directories';
}

/** A network's bridge with its gateway address, masquerading and isolation. As it is already: nothing changes; one that it had before goes. */
export class EnsureBridge extends Request<Done> {
  static readonly subject = 'berth.command.executor.ensure-bridge';
  @IsString() readonly network!: string;
  @IsString() readonly bridge!: string;
  @IsString() readonly gateway!: string;
  @IsInt() @Min(0) @Max(32) readonly prefixLength!: number;
  @IsInt() @Min(68) @Max(65535) readonly mtu!: number;
  @IsBoolean() readonly internal!: boolean;
}

/** What cannot be counted is -1. */
export interface FileSizes {
  /** Bytes, by container: what it wrote, or all of its root where `withImage`. One that never started has written nothing. */
  readonly containers: Readonly<Record<string, number>>;
  /** Bytes, by volume. */
  readonly volumes: Readonly<Record<string, number>>;
  /** Bytes, by removed container: all that is kept of it. */
  readonly kept: Readonly<Record<string, number>>;
  /** The storage driver copies images whole. */
  readonly withImage: boolean;
}

/** Counts the files of these containers and volumes, which takes as long as there are files. */
export class MeasureFiles extends Request<FileSizes> {
  static readonly subject = 'berth.query.executor.measure-files';
  @IsArray() @IsObjectId({ each: true }) readonly containers!: readonly string[];
  @IsArray() @IsString({ each: true }) readonly volumes!: readonly string[];
  @IsOptional() @IsArray() @IsObjectId({ each: true }) readonly kept?: readonly string[];
}

export interface HostFacts {
  /** Of this engine, as long as its data lives: a UUID. */
  readonly engineId: string;
  readonly kernelVersion: string;
  readonly operatingSystem: string;
  readonly osVersion: string;
  readonly architecture: string;
  readonly hostname: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly cgroupVersion: '1' | '2';
  readonly cgroupDriver: string;
  readonly storageDriver: string;
  /** Of the data root, in dockerd's words: "extfs", "xfs". */
  readonly backingFileSystem: string;
  readonly securityOptions: readonly string[];
  readonly runtimes: readonly string[];
  readonly dataRoot: string;
  /** Whether the kernel weighs block I/O (BFQ). */
  readonly blockWeight: boolean;
  /** Whether a cgroup bounds its real-time tasks (v1, CONFIG_RT_GROUP_SCHED). */
  readonly cpuRealtime: boolean;
  /** Memory nodes (NUMA), "0-1". */
  readonly memoryNodes: string;
  /** What a container does not see of it, unless it is told others. */
  readonly maskedPaths: readonly string[];
  readonly bridgeForwarding: boolean;
  /** Where files that tell of devices are looked for. */
  readonly cdiFolders: readonly string[];
  readonly warnings: readonly string[];
}

export class GetHostFacts extends Request<HostFacts> {
  static readonly subject = 'berth.query.executor.host-facts';
}
