/** Files that readers hold open and have not read yet, of all readers together: nobody bounds how many readers stand still, and descriptors are the process's. */
export class HeldFiles {
  private readonly counts = new Map<object, number>();
  private total = 0;

  constructor(private readonly most: number) {}

  /** That a reader holds so many now. */
  note(reader: object, count: number): void {
    this.total += count - (this.counts.get(reader) ?? 0);
    if (count > 0) this.counts.set(reader, count);
    else this.counts.delete(reader);
  }

  /** More is held than may be, and by this one no less than by each in the mean: who keeps up does not suffer from those that stand still. */
  isTooMuchOf(reader: object): boolean {
    return this.total > this.most && (this.counts.get(reader) ?? 0) * this.counts.size >= this.total;
  }
}
