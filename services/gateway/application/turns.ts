/** Work that is done one after the other, however many ask for it: what it takes is taken from everybody. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  /** Rejects, and does nothing, where who asked has `gone` before its turn. */
  take<T>(work: () => Promise<T>, gone: AbortSignal): Promise<T> {
    const turn = this.last.then(() => {
      gone.throwIfAborted();
      return work();
    });
    this.last = turn.catch(() => undefined);
    return turn;
  }
}
