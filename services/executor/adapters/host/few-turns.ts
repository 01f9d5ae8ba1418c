/** So many at a time. */
export class FewTurns {
  private readonly waiting = new Set<() => void>();

  /** How many have one. */
  taken = 0;

  constructor(private readonly most: number) {}

  /** Resolves to true with a turn, which is to be given back, or to false where none is free within that time. */
  async take(withinMs: number): Promise<boolean> {
    if (this.taken < this.most) {
      this.taken++;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const mine = (): void => resolve(true);
    this.waiting.add(mine);
    const timer = setTimeout(() => {
      this.waiting.delete(mine);
      resolve(false);
    }, withinMs);
    return promise.finally(() => clearTimeout(timer));
  }

  giveBack(): void {
    const [next] = this.waiting;
    if (next === undefined) this.taken--;
    else {
      this.waiting.delete(next);
      next();
    }
  }
}
