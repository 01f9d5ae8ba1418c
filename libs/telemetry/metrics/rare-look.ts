/**
 * Something that is dear to find out, told to scrapes as it was a while ago: looked at once in `everySeconds` at most, beside the scrape that finds it old. Only the
 * very first one waits for it, and all of them where `everySeconds` is 0. A look that failed rejects the next `read`, and is tried again.
 */
export class RareLook<T> {
  private last: { readonly value: T; readonly at: number } | undefined;
  private running: Promise<void> | undefined;
  private failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly look: () => Promise<T>,
    private readonly everySeconds: number,
  ) {}

  async read(): Promise<T> {
    const isOld = this.last === undefined || performance.now() - this.last.at >= this.everySeconds * 1000;
    if (isOld) this.running ??= this.renew().finally(() => (this.running = undefined));
    if (this.last === undefined || this.everySeconds === 0) await this.running;
    const { failure } = this;
    this.failure = undefined;
    if (failure) throw failure.error;
    // Without a failure, whoever waited for the first look has it.
    return this.last!.value;
  }

  private async renew(): Promise<void> {
    try {
      const value = await this.look();
      this.last = { value, at: performance.now() };
    } catch (error) {
      this.failure = { error };
    }
  }
}
