/** One piece of work at a time for a container, in the order it was asked for. */
export class ContainerTurns {
  private readonly underWay = new Map<string, Promise<unknown>>();

  take<T>(container: string, work: () => Promise<T>): Promise<T> {
    const before = this.underWay.get(container) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(work);
    const settled = turn.catch(() => undefined).then(() => {
      if (this.underWay.get(container) === settled) this.underWay.delete(container);
    });
    this.underWay.set(container, settled);
    return turn;
  }
}
