/** Work that many may ask for: of one thing it is done once at a time, and all who ask while it is under way share the next, since what they ask about may have changed after it began. */
export class SharedWork<Result> {
  private readonly underWay = new Map<string, Promise<Result>>();
  private readonly next = new Map<string, Promise<Result>>();

  /** `work` may be another's who asked. */
  of(thing: string, work: () => Promise<Result>): Promise<Result> {
    const shared = this.next.get(thing);
    if (shared) return shared;
    const before = this.underWay.get(thing);
    if (!before) return this.begin(thing, work);
    const begin = (): Promise<Result> => {
      this.next.delete(thing);
      return this.begin(thing, work);
    };
    const next = before.then(begin, begin);
    this.next.set(thing, next);
    return next;
  }

  private begin(thing: string, work: () => Promise<Result>): Promise<Result> {
    const mine = work().finally(() => this.underWay.get(thing) === mine && this.underWay.delete(thing));
    this.underWay.set(thing, mine);
    return mine;
  }
}
