import { EventEmitter } from 'node:events';
import type { IdMaps } from '#contracts/executor/id-maps.js';
import type { PublishedPort } from '#contracts/containers/container-state.js';
import type { CgroupPlace } from '../../adapters/host/container-cgroups.js';
import type { ShimConnection } from '../../adapters/shim/shim-connection.js';
import { TaskChecks } from './task-checks.js';

/** Which run of which container. */
export interface TaskIdentity {
  readonly container: string;
  readonly start: number;
}

export const taskId = ({ container, start }: TaskIdentity): string => `${container}-${start}`;

/** How a start went. `startedAt`: RFC 3339, the kernel's real time. */
export interface Started {
  readonly pid: number;
  readonly startedAt: string;
  /** The log's position from which it is seen. */
  readonly position: number;
}

/** A task whose shim this executor holds the control connection of. */
export class LiveTask extends EventEmitter<{ connected: []; exited: []; left: [] }> {
  connection: ShimConnection | undefined;
  pid = 0;
  ports: readonly PublishedPort[] = [];
  address = '';
  hasExited = false;
  /** Its shim is gone, or was never there: nothing more comes into its log. After its exit what it wrote may be held back yet, by who has attached or is about to. */
  hasLeft = false;
  /** The container's directory, where its start has made that. */
  madeFiles: bigint | undefined;
  /** Another executor began it, and may have begun execs in it. */
  isAdopted = false;
  /** Its shim knows how to time a plan: it has done so. */
  tellsTimes = false;
  /** The start that is under way. */
  start: Promise<Started> | undefined;
  /** Of who attaches while the start is prepared, as a plan has them; undefined once the plan is the shim's. */
  lateTickets: string[] | undefined = [];
  /** Resolves when its start, which has come to be, is on record. */
  recorded: Promise<void> | undefined;
  /** Execs that its shim told of since this executor is connected, and whose end is not on record. Health checks are none of them. */
  readonly execs = new Map<string, { readonly pid: number; readonly at: string }>();
  readonly checks: TaskChecks;
  /** An installed OCI runtime's name; undefined: Berth's own. */
  runtime: string | undefined;
  /** Where its cgroup is to be, when not in the engine's. */
  cgroupParent: string | undefined;
  /** Of its user namespace; undefined: the host's. */
  ids: IdMaps | undefined;

  constructor(
    readonly identity: TaskIdentity,
    readonly directory: string,
  ) {
    super();
    this.checks = new TaskChecks(identity.container);
    this.setMaxListeners(0);
  }

  get place(): CgroupPlace {
    return { container: this.identity.container, cgroupParent: this.cgroupParent };
  }

  /** Said once; again changes nothing. */
  left(): void {
    if (this.hasLeft) return;
    this.hasLeft = true;
    this.emit('left');
  }

  get socket(): string {
    return `${this.directory}/shim.sock`;
  }
}
