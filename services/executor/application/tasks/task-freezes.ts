import { conflict } from '#libs/errors/errors.js';

/** Freezes of tasks that are under way: at most one of each. */
export class Freezes {
  private readonly underWay = new Map<string, { readonly frozen: Promise<void>; readonly calledOff: AbortController }>();

  /** Whoever asks again waits for the one that is under way: of two, the slower one would freeze what has been thawed after the other. `calledOff`: nothing is frozen any more. */
  join(task: string, begin: (calledOff: AbortSignal) => Promise<void>): Promise<void> {
    const other = this.underWay.get(task);
    if (other) return other.frozen;
    const calledOff = new AbortController();
    const { promise: off, reject } = Promise.withResolvers<never>();
    calledOff.signal.addEventListener('abort', () => reject(calledOff.signal.reason as Error)); // `callOff` gave it
    const frozen = Promise.race([begin(calledOff.signal), off]).finally(() => this.forget(task, calledOff));
    this.underWay.set(task, { frozen, calledOff });
    return frozen;
  }

  /** Before a thaw. None under way: nothing happens. */
  callOff(task: string): void {
    const calledOff = this.underWay.get(task)?.calledOff;
    if (calledOff === undefined) return;
    this.forget(task, calledOff);
    calledOff.abort(conflict('the container was told to go on before it was paused'));
  }

  private forget(task: string, calledOff: AbortController): void {
    if (this.underWay.get(task)?.calledOff === calledOff) this.underWay.delete(task);
  }
}
