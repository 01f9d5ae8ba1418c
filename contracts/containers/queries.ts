import { IsBoolean, IsIn, IsInt, IsOptional, IsString } from 'class-validator';
import { Request } from '../request.js';
import type { ContainerView, ExecView, ListedContainer } from './container-state.js';

export class GetContainer extends Request<ContainerView> {
  static readonly subject = 'berth.query.containers.get';
  @IsString() readonly container!: string;
  @IsOptional() @IsInt() readonly minPosition?: number;
}

export interface ContainerList {
  readonly containers: readonly ListedContainer[];
  readonly position: number;
}

/** All of them, newest first, unless `all` is false: then those that run. Filters are the gateway's. */
export class ListContainers extends Request<ContainerList> {
  static readonly subject = 'berth.query.containers.list';
  @IsBoolean() readonly all!: boolean;
  /** Also those that are on their way back from their removal. */
  @IsOptional() @IsBoolean() readonly restoring?: boolean;
  /** Answer when the log up to this position is known. */
  @IsOptional() @IsInt() readonly minPosition?: number;
}

export class GetExec extends Request<ExecView> {
  static readonly subject = 'berth.query.containers.get-exec';
  @IsString() readonly exec!: string;
  /** While it runs: answer when it has exited, at the latest after this time. Whoever saw its stream end asks so for the exit code. */
  @IsOptional() @IsInt() readonly settleMs?: number;
  /** Refused unless its container runs, and is not paused. */
  @IsOptional() @IsBoolean() readonly toStart?: boolean;
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

/**
 * Resolves when the condition holds, or after `deadlineMs` with `done` false. An exit between two questions would be missed, so a waiter asks
 * once, with a deadline as long as it can wait.
 */
export class WaitContainer extends Request<{ readonly done: boolean; readonly id: string; readonly exitCode: number; readonly error: string; readonly startNumber: number }> {
  static readonly subject = 'berth.query.containers.wait';
  @IsString() readonly container!: string;
  @IsIn(['not-running', 'next-exit', 'removed']) readonly condition!: WaitCondition;
  @IsInt() readonly deadlineMs!: number;
}
