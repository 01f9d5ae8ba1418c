import { IsBoolean, IsObject, IsOptional, IsString } from 'class-validator';
import type { Done } from '../request.js';
import { Request } from '../request.js';

export interface VolumeView {
  readonly name: string;
  readonly driver: string;
  readonly mountpoint: string;
  readonly createdAt: string;
  readonly labels: Record<string, string>;
  readonly options: Record<string, string>;
  readonly anonymous: boolean;
}

/** A volume of that name that is there already is the answer. Name absent: 64 hex characters are made up, and the volume is anonymous. */
export class CreateVolume extends Request<VolumeView & Done & { readonly created: boolean }> {
  static readonly subject = 'berth.command.volumes.create';
  static readonly dryRun = true;
  @IsOptional() @IsString() readonly name?: string;
  @IsOptional() @IsString() readonly driver?: string;
  @IsOptional() @IsObject() readonly labels?: Record<string, string>;
  @IsOptional() @IsObject() readonly options?: Record<string, string>;
  /** The container that an anonymous volume is made for. It goes with it when that asks for it, or never comes to be. */
  @IsOptional() @IsString() readonly container?: string;
}

export class RemoveVolume extends Request<Done> {
  static readonly subject = 'berth.command.volumes.remove';
  static readonly dryRun = true;
  @IsString() readonly name!: string;
  @IsBoolean() readonly force!: boolean;
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
  | { readonly type: 'VolumeCreated'; readonly name: string; readonly driver: string; readonly labels: Record<string, string>; readonly options: Record<string, string>; readonly anonymous: boolean; readonly container?: string; readonly at: string }
  | { readonly type: 'VolumeRemoved'; readonly name: string; readonly at: string };
