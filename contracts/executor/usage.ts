import { IsArray, IsString } from 'class-validator';
import { Request } from '../request.js';
import { IsObjectId } from '../object-id.js';

/** What one process listing has: the columns' names, and a row for each process. */
export interface ProcessTable {
  readonly titles: readonly string[];
  readonly processes: readonly (readonly string[])[];
}

/** The processes of a container as the host's ps(1) shows them. Rejects as conflict when it does not run. */
export class ListTaskProcesses extends Request<ProcessTable> {
  static readonly subject = 'berth.query.executor.task-processes';
  @IsObjectId() readonly container!: string;
  @IsArray() @IsString({ each: true }) readonly psArgs!: readonly string[];
}

/** One line of a v1 blkio file, or two of a v2 io.stat line: "Read", 4096. */
export interface DiskCount {
  readonly major: number;
  readonly minor: number;
  readonly operation: string;
  readonly value: number;
}

export interface InterfaceTraffic {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}

/** What one run of a container has used until now. What this machine does not count is absent. */
export interface UsageSample {
  readonly container: string;
  readonly cpu?: {
    readonly totalNanoseconds: number;
    readonly userNanoseconds: number;
    readonly systemNanoseconds: number;
    readonly periods: number;
    readonly throttledPeriods: number;
    readonly throttledNanoseconds: number;
    /** v1 alone: of each processor. */
    readonly perCpuNanoseconds?: readonly number[];
  };
  readonly memory?: {
    readonly usageBytes: number;
    readonly maxUsageBytes?: number;
    /** The machine's memory where there is no limit. */
    readonly limitBytes: number;
    /** v1 alone. */
    readonly limitHits?: number;
    /** v2 alone: how often an allocation failed at the limit. */
    readonly events?: { readonly oom: number };
    /** memory.stat as it is. */
    readonly stat: Readonly<Record<string, number>>;
  };
  readonly pids?: { readonly current: number; readonly limit?: number };
  readonly diskBytes: readonly DiskCount[];
  /** v1 alone. */
  readonly diskOperations?: readonly DiskCount[];
  /** As the container sees it. Absent: it has no network of its own. */
  readonly network?: { readonly name: string; readonly received: InterfaceTraffic; readonly sent: InterfaceTraffic };
}

export interface UsageReply {
  readonly cgroupVersion: '1' | '2';
  /** RFC 3339. */
  readonly at: string;
  /** What all processors have spent since the machine started, idle time included. */
  readonly machineNanoseconds: number;
  readonly cpus: number;
  readonly samples: readonly UsageSample[];
}

/** What these containers use; one that does not run is left out. */
export class SampleUsage extends Request<UsageReply> {
  static readonly subject = 'berth.query.executor.usage';
  @IsArray() @IsObjectId({ each: true }) readonly containers!: readonly string[];
}
