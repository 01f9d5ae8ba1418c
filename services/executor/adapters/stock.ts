/** Before the next one is made, so that making it delays neither the start that took the last one nor what its client does next: with 30 ms it fell into a first exec. */
const PAUSE_MS = 150;

/** `size` things kept ready for those who cannot wait. They are made anew while nobody waits: when none was taken for a while, or at once where less than half is left. */
export class Stock<Thing> {
  private readonly things: Thing[] = [];
  private pause: NodeJS.Timeout | undefined;
  private filling: Promise<void> | undefined;
  private closed = false;

  /** `make` may fail: then it is tried again when the next one is taken. `discard`: one that nobody took. */
  constructor(
    readonly size: number,
    private readonly make: () => Promise<Thing>,
    private readonly discard: (thing: Thing) => void,
  ) {
    void this.fill();
  }

  get ready(): number {
    return this.things.length;
  }

  /** Undefined: there is none. */
  take(): Thing | undefined {
    const thing = this.things.pop();
    clearTimeout(this.pause);
    if (this.things.length * 2 < this.size) void this.fill();
    else this.pause = setTimeout(() => void this.fill(), PAUSE_MS).unref();
    return thing;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.pause);
    for (const thing of this.things.splice(0)) this.discard(thing);
  }

  /** Resolves once none is missing, or one could not be made. */
  private fill(): Promise<void> {
    return (this.filling ??= this.makeMissing()
      .catch(() => undefined)
      .finally(() => (this.filling = undefined)));
  }

  private async makeMissing(): Promise<void> {
    while (!this.closed && this.things.length < this.size) {
      const thing = await this.make();
      if (this.closed) this.discard(thing);
      else this.things.push(thing);
    }
  }
}
