import { Type } from 'class-transformer';
import { IsArray, IsInt, IsOptional, IsString, Min, ValidateNested } from 'class-validator';
import type { Done } from '../request.js';
import { Request } from '../request.js';
import { LimitChanges, type MountRequest, type PortBinding } from './container-config.js';
import { AreMounts, ArePortBindings, AreTextsByName } from './field-shapes.js';

/** What changes; what is absent stays. */
export class ContainerChanges {
  /** "NAME=value" */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly setEnv?: string[];
  /** Names. */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly unsetEnv?: string[];
  /** In place of the command; the entrypoint stays. */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly command?: string[];
  @IsOptional() @AreTextsByName() readonly setLabels?: Record<string, string>;
  @IsOptional() @IsArray() @IsString({ each: true }) readonly unsetLabels?: string[];
  /** By container port, "80/tcp": these too. */
  @IsOptional() @ArePortBindings() readonly publish?: Record<string, PortBinding[] | null>;
  /** Container ports, "80/tcp" or "80": no more. */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly unpublish?: string[];
  @IsOptional() @ValidateNested() @Type(() => LimitChanges) readonly limits?: LimitChanges;
  /** As `docker run -v` has them. */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly binds?: string[];
  @IsOptional() @AreMounts() readonly mounts?: MountRequest[];
  /** Targets; volumes that were mounted there stay. */
  @IsOptional() @IsArray() @IsString({ each: true }) readonly unmount?: string[];
}

/** What of a container an edit changed. */
export type EditedPart = 'ports' | 'limits' | 'restart-policy' | 'labels' | 'env' | 'command' | 'mounts';

export interface ContainerEdited extends Done {
  readonly id: string;
  /** Counted from 1, the one that was created. The same as before where nothing changed. */
  readonly version: number;
  /** What holds now. */
  readonly live: readonly EditedPart[];
  /** What holds from the next start on. */
  readonly atNextStart: readonly EditedPart[];
}

/**
 * Changes a container that is there. Ports and limits of one that runs change at once; environment, command and mounts at its next start. Resolves when what can hold now does;
 * rejects, and all is as it was, when the kernel or somebody who has the port refuses.
 */
export class EditContainer extends Request<ContainerEdited> {
  static readonly subject = 'berth.command.containers.edit';
  static readonly dryRun = true;
  @IsString() readonly container!: string;
  @ValidateNested() @Type(() => ContainerChanges) readonly changes!: ContainerChanges;
}

/** Makes a container again what it was in an earlier version, as a version of its own. */
export class RevertContainer extends Request<ContainerEdited> {
  static readonly subject = 'berth.command.containers.revert';
  static readonly dryRun = true;
  @IsString() readonly container!: string;
  /** Absent: the one before the newest. */
  @IsOptional() @IsInt() @Min(1) readonly version?: number;
}
