import { IsArray, IsBoolean, IsObject, IsOptional, IsString } from 'class-validator';
import type { PathStat } from '../containers/archives.js';
import type { ContainerMount } from '../containers/container-state.js';
import type { StreamEndpoint } from '../request.js';
import { Request } from '../request.js';
import { IsObjectId } from '../object-id.js';

/** One path that is not as the image has it. */
export interface PathChange {
  readonly path: string;
  readonly kind: 'modified' | 'added' | 'deleted';
}

abstract class RootRequest<Reply> extends Request<Reply> {
  @IsObjectId() readonly container!: string;
  /** Chain ids, top first. */
  @IsArray() @IsString({ each: true }) readonly layers!: readonly string[];
  @IsArray() readonly mounts!: readonly ContainerMount[];
  @IsBoolean() readonly readOnlyRoot!: boolean;
  @IsString() readonly path!: string;
}

/** Of a container that runs, as its processes see it; of another, as they would. */
export class StatRootPath extends RootRequest<PathStat> {
  static readonly subject = 'berth.query.executor.stat-path';
}

export class OpenRootArchive extends RootRequest<StreamEndpoint & { readonly stat: PathStat }> {
  static readonly subject = 'berth.command.executor.open-archive';
  /** The root alone: nothing that is mounted in it, and no member of its own. */
  @IsBoolean() readonly exports!: boolean;
}

/** See WriteContainerArchive. */
export class ExtractRootArchive extends RootRequest<StreamEndpoint> {
  static readonly subject = 'berth.command.executor.extract-archive';
  @IsBoolean() readonly keepsKinds!: boolean;
  /** The owner of all files; absent: the owner that the archive names. */
  @IsOptional() @IsObject() readonly owner?: { readonly uid: number; readonly gid: number };
}

abstract class WrittenRequest extends Request<StreamEndpoint> {
  @IsObjectId() readonly container!: string;
  /** Chain ids, top first. */
  @IsArray() @IsString({ each: true }) readonly layers!: readonly string[];
}

/** What a container wrote, without what is mounted in it. The bytes behind the endpoint are a JSON list of PathChange. */
export class OpenRootChanges extends WrittenRequest {
  static readonly subject = 'berth.query.executor.open-changes';
}

/** The same as a layer: the bytes are a tar archive, or nothing where nothing was changed. */
export class OpenRootLayer extends WrittenRequest {
  static readonly subject = 'berth.query.executor.open-layer';
}
