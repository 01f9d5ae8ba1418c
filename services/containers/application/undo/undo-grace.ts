import type { ContainerSpec } from '../../domain/container/container-state.js';

/** For how long a container that is removed now can come back. */
export class UndoGrace {
  constructor(
    private readonly seconds: number,
    /** Nothing is kept on a disk that is nearly full. */
    readonly isDiskShort: () => boolean,
  ) {}

  /** Undefined: it goes for good, as one does that was to go with its run (--rm). */
  secondsFor({ hostConfig }: ContainerSpec): number | undefined {
    return this.seconds === 0 || hostConfig.AutoRemove || this.isDiskShort() ? undefined : this.seconds;
  }
}
