/** Work of which so much is done at once, however many ask for it: what it takes is taken from everybody. */
export class Turns {
  /** In the order in which they came. */
  private readonly waiting = new Set<() => void>();

  constructor(private free = 1) {}

  /** Rejects, and does nothing, once who asked has `gone` before its turn. */
  async take<T>(work: () => Promise<T>, gone: AbortSignal): Promise<T> {
    await this.turn(gone);
    try {
      gone.throwIfAborted();
      return await work();
    } finally {
      this.pass();
    }
  }

  private turn(gone: AbortSignal): Promise<void> {
    if (this.free > 0) {
      this.free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.waiting.delete(begin);
        reject(gone.reason);
      };
      const begin = (): void => {
        gone.removeEventListener('abort', leave);
        resolve();
      };
      if (gone.aborted) return leave();
      this.waiting.add(begin);
      gone.addEventListener('abort', leave, { once: true });
    });
  }

  private pass(): void {
    const [next] = this.waiting;
    if (next === undefined) return void this.free++;
    this.waiting.delete(next);
    next();
  }
}
