import { IsString } from 'class-validator';
import type { Done } from '../request.js';
import { Request } from '../request.js';

export interface ProtectionChanged extends Done {
  readonly id: string;
  /** False: it was so already. */
  readonly changed: boolean;
}

/** From now on nobody removes the container: no force, no prune, no --rm. Protecting a protected one changes nothing. */
export class ProtectContainer extends Request<ProtectionChanged> {
  static readonly subject = 'berth.command.containers.protect';
  static readonly dryRun = true;
  @IsString() readonly container!: string;
}

/** It can be removed again; one that was to go with its run (--rm), which is over, goes now. */
export class UnprotectContainer extends Request<ProtectionChanged> {
  static readonly subject = 'berth.command.containers.unprotect';
  static readonly dryRun = true;
  @IsString() readonly container!: string;
}
