/** Layers that are about to be an image's: none is removed meanwhile. */
export class LayerHolds {
  private readonly held = new Map<string, number>();
  private readonly removals = new Map<string, Promise<unknown>>();

  /** Resolves, to what lets them go, once no removal is under way that began before. */
  async hold(chainIds: readonly string[]): Promise<() => void> {
    for (const chainId of chainIds) this.held.set(chainId, (this.held.get(chainId) ?? 0) + 1);
    await Promise.allSettled(chainIds.map((chainId) => this.removals.get(chainId)));
    return () => {
      for (const chainId of chainIds) this.held.set(chainId, (this.held.get(chainId) ?? 0) - 1);
      for (const chainId of chainIds) if (this.held.get(chainId) === 0) this.held.delete(chainId);
    };
  }

  isHeld(chainId: string): boolean {
    return this.held.has(chainId);
  }

  /** Held: nothing happens. */
  async remove(chainId: string, removal: () => Promise<unknown>): Promise<void> {
    if (this.isHeld(chainId)) return;
    const underWay = removal().finally(() => this.removals.delete(chainId));
    this.removals.set(chainId, underWay);
    await underWay;
  }
}
