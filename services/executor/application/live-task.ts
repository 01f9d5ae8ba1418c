import { EventEmitter } from 'node:events';
import type { PublishedPort } from '#contracts/containers/container-state.js';
import type { ShimConnection } from '../adapters/shim/shim-connection.js';

/** Which run of which container. */
export interface TaskIdentity {
  readonly container: string;
  readonly start: number;
}

export const taskId = ({ container, start }: TaskIdentity): string => `${container}-${start}`;

/** A task whose shim this executor holds the control connection of. */
export class LiveTask extends EventEmitter<{ exited: [] }> {
  connection: ShimConnection | undefined;
  pid = 0;
  ports: readonly PublishedPort[] = [];
  address = '';
  hasExited = false;

  constructor(
    readonly identity: TaskIdentity,
    readonly directory: string,
  ) {
    super();
    this.setMaxListeners(0);
  }

  get socket(): string {
    return `${this.directory}/shim.sock`;
  }
}
