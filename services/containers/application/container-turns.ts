/** Work on one container at a time, in the order in which it was asked for; different containers do not wait for each other. */
export class ContainerTurns {
  private readonly underWay = new Map<string, Promise<unknown>>();

  inTurn<T>(container: string, work: () => Promise<T>): Promise<T> {
    const before = this.underWay.get(container) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(work);
    const settled = turn.catch(() => undefined).then(() => {
      if (this.underWay.get(container) === settled) this.underWay.delete(container);
    });
    this.underWay.set(container, settled);
    return turn;
  }
}
