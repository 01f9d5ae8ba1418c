import { IsBoolean, IsString } from 'class-validator';
import type { StreamEndpoint } from '../request.js';
import { Request } from '../request.js';

/** What is at a path of a container. */
export interface PathStat {
  /** Last part of the path asked for; "/" of the root, "." where the path ends in it. */
  readonly name: string;
  readonly sizeBytes: number;
  /** st_mode (inode(7)): type and permissions. */
  readonly mode: number;
  /** RFC 3339 */
  readonly mtime: string;
  /** Of a symlink: where it leads in the container, through all further links; else ''. */
  readonly linkTarget: string;
}

abstract class PathRequest<Reply> extends Request<Reply> {
  @IsString() readonly container!: string;
  /** In the container, from its root. The last part is followed where it ends in "/" or "/.". */
  @IsString() readonly path!: string;
}

/** Rejects as not-found where there is no such path. */
export class StatContainerPath extends PathRequest<PathStat> {
  static readonly subject = 'berth.query.containers.stat-path';
}

/** The bytes behind the endpoint are a tar archive of what is at the path, and all below it. A command, since that somebody looked is told. Of a dry run the endpoint is nowhere. */
export class ReadContainerArchive extends PathRequest<StreamEndpoint & { readonly stat: PathStat }> {
  static readonly subject = 'berth.command.containers.read-archive';
  static readonly dryRun = true;
}

/** A tar archive goes in, its end told (libs/messaging/told-end.ts); out comes "" when all of it is there, else an ErrorReply as JSON. Of a dry run the endpoint is nowhere. */
export class WriteContainerArchive extends PathRequest<StreamEndpoint> {
  static readonly subject = 'berth.command.containers.write-archive';
  static readonly dryRun = true;
  /** A directory is not replaced by what is none, nor the other way around. */
  @IsBoolean() readonly keepsKinds!: boolean;
  /** Everything belongs to the container's user. */
  @IsBoolean() readonly chowns!: boolean;
}

/** A tar archive of the container's root, without what is mounted in it. Of a dry run the endpoint is nowhere. */
export class ExportContainer extends Request<StreamEndpoint> {
  static readonly subject = 'berth.command.containers.export';
  static readonly dryRun = true;
  @IsString() readonly container!: string;
}

/** What the container changed of its image. The bytes behind the endpoint are a JSON list of PathChange. */
export class ListContainerChanges extends Request<StreamEndpoint> {
  static readonly subject = 'berth.query.containers.changes';
  @IsString() readonly container!: string;
}
