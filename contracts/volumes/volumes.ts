import { IsBoolean, IsOptional, IsString } from 'class-validator';
import { AreTextsByName } from '../containers/field-shapes.js';
import type { Done } from '../request.js';
import { Request } from '../request.js';

export interface VolumeView {
  readonly name: string;
  readonly driver: string;
  readonly mountpoint: string;
  readonly createdAt: string;
  readonly labels: Record<string, string>;
  readonly options: Record<string, string>;
}

/** A volume whose name was made up has it, as with dockerd since 23: clients filter by it, and it is what a prune goes by. */
export const ANONYMOUS_VOLUME_LABEL = 'com.docker.volume.anonymous';

/** A volume of that name that is there already is the answer. Name absent: 64 hex characters are made up, and the volume is anonymous. */
export class CreateVolume extends Request<VolumeView & Done & { readonly created: boolean }> {
  static readonly subject = 'berth.command.volumes.create';
  static readonly dryRun = true;
  @IsOptional() @IsString() readonly name?: string;
  @IsOptional() @IsString() readonly driver?: string;
  @IsOptional() @AreTextsByName() readonly labels?: Record<string, string>;
  @IsOptional() @AreTextsByName() readonly options?: Record<string, string>;
  /** The container that an anonymous volume is made for. It goes with it when that asks for it, or never comes to be. */
  @IsOptional() @IsString() readonly container?: string;
  /** A container that has claimed its name and will have the volume, named or not: it is in use until that is given up, and by it once it is there. */
  @IsOptional() @IsString() readonly heldFor?: string;
  /** As HoldVolume, by a container that is there. */
  @IsOptional() @IsString() readonly wantedBy?: string;
}

/** As GetVolume, for a container that is there, or was removed and comes back, and is about to have it: until ReleaseVolumes it is in use. */
export class HoldVolume extends Request<VolumeView> {
  static readonly subject = 'berth.command.volumes.hold';
  @IsString() readonly name!: string;
  @IsString() readonly container!: string;
  /** The container has claimed its name, and is not there yet: the volume is in use until that is given up, and by it once it is there. */
  @IsOptional() @IsBoolean() readonly beingMade?: boolean;
}

/** The log tells what the container has, or it came to nothing. Of one that is not heard of any more its volumes are in use for an hour. */
export class ReleaseVolumes extends Request<Done> {
  static readonly subject = 'berth.command.volumes.release';
  @IsString() readonly container!: string;
}

export class RemoveVolume extends Request<Done> {
  static readonly subject = 'berth.command.volumes.remove';
  static readonly dryRun = true;
  @IsString() readonly name!: string;
  @IsBoolean() readonly force!: boolean;
  /** The container that it goes with, where it is that one's yet: it is anonymous, and nobody else had it last and left it. A dry run leaves that there, and does not take it for a user. */
  @IsOptional() @IsString() readonly removedWith?: string;
  /** The removed container with which it can come back. */
  @IsOptional() @IsString() readonly keptFor?: string;
}

/**
 * Brings a volume back that was removed with a container, and is kept for it. One that is back already changes nothing. Rejects as not-found where the log knows of no such
 * removal, and as a conflict where another of its name was made since.
 */
export class RestoreVolume extends Request<Done> {
  static readonly subject = 'berth.command.volumes.restore';
  @IsString() readonly name!: string;
  @IsString() readonly container!: string;
}

export class GetVolume extends Request<VolumeView> {
  static readonly subject = 'berth.query.volumes.get';
  @IsString() readonly name!: string;
}

export class ListVolumes extends Request<{ readonly volumes: readonly VolumeView[]; readonly position: number }> {
  static readonly subject = 'berth.query.volumes.list';
}

/** `berth.event.volume.<encoded name>` */
export type VolumeEvent =
  | VolumeCreated
  | { readonly type: 'VolumeRemoved'; readonly name: string; readonly keptFor?: string; readonly at: string }
  /** With the container for which it was kept. All of it again, since it was gone. */
  | (Omit<VolumeCreated, 'type'> & { readonly type: 'VolumeRestored'; readonly keptFor: string; readonly createdAt: string });

export interface VolumeCreated {
  readonly type: 'VolumeCreated';
  readonly name: string;
  readonly driver: string;
  readonly labels: Record<string, string>;
  readonly options: Record<string, string>;
  readonly anonymous: boolean;
  readonly container?: string;
  readonly at: string;
}
