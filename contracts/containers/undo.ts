import { IsOptional, IsString } from 'class-validator';
import type { Done } from '../request.js';
import { Request } from '../request.js';
import type { ContainerView } from './container-state.js';

/** A container that was removed and can come back. Times are RFC 3339. */
export interface RemovedContainer {
  /** As it will be when it is back. */
  readonly container: ContainerView;
  readonly removedAt: string;
  /** From then on it is deleted for good; earlier when the disk is short. */
  readonly until: string;
}

export interface ContainerRestored extends Done {
  readonly id: string;
  readonly name: string;
}

/**
 * Brings a removed container back: configuration, writable layer, logs, and the anonymous volumes that went with it. It does not run. Resolves when all is where it was.
 * Rejects as not-found when nothing is kept of it, and as a conflict when its name, its image or a volume of it is not to be had any more.
 */
export class RestoreContainer extends Request<ContainerRestored> {
  static readonly subject = 'berth.command.containers.restore';
  static readonly dryRun = true;
  /** Name (of several the one removed last), id, or the beginning of an id. */
  @IsString() readonly container!: string;
  /** Absent: the name it had. */
  @IsOptional() @IsString() readonly name?: string;
}

/** Deletes for good what is kept of a removed container. */
export class DiscardContainer extends Request<Done> {
  static readonly subject = 'berth.command.containers.discard';
  static readonly dryRun = true;
  @IsString() readonly container!: string;
}

/** What can come back, the one removed last first. */
export class ListRemoved extends Request<{ readonly removed: readonly RemovedContainer[]; readonly position: number }> {
  static readonly subject = 'berth.query.containers.list-removed';
}
