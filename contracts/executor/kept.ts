import { IsArray, IsString } from 'class-validator';
import type { Done } from '../request.js';
import { Request } from '../request.js';
import { IsObjectId } from '../object-id.js';

abstract class KeptRequest<Reply> extends Request<Reply> {
  /** Id of a container that was removed, and whose files were kept (RemoveContainerFiles, RemoveVolumeDirectory). */
  @IsObjectId() readonly container!: string;
}

/** What is kept: whether there are the container's own files, and names of volumes. */
export class GetKept extends KeptRequest<{ readonly files: boolean; readonly volumes: readonly string[] }> {
  static readonly subject = 'berth.query.executor.kept';
}

/** Puts the container's own files back where they were. Nothing kept: nothing changes. */
export class RestoreContainerFiles extends KeptRequest<Done> {
  static readonly subject = 'berth.command.executor.restore-container-files';
}

/** Puts a volume's files back. Nothing kept: the volume's directory is made where it is missing. */
export class RestoreVolumeDirectory extends KeptRequest<Done> {
  static readonly subject = 'berth.command.executor.restore-volume';
  @IsString() readonly name!: string;
}

/** Deletes all that is kept of a container. Nothing kept: nothing changes. */
export class DiscardKept extends KeptRequest<Done> {
  static readonly subject = 'berth.command.executor.discard-kept';
}

/** Of all that is kept, leaves what is these containers': what else is there was left by a process that died. */
export class SweepKept extends Request<Done> {
  static readonly subject = 'berth.command.executor.sweep-kept';
  @IsArray() @IsObjectId({ each: true }) readonly containers!: readonly string[];
}
