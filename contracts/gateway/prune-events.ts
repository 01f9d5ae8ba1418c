/** What a prune is of, in dockerd's words. */
export type PrunedKind = 'container' | 'image' | 'volume' | 'network' | 'builder';

/** `berth.event.prune.<kind>`, written by the gateway alone. What went by it is told by events of its own before this, each with the same cause. */
export type PruneEvent = {
  readonly type: 'Pruned';
  readonly kind: PrunedKind;
  /** How many went. */
  readonly removed: number;
  readonly reclaimedBytes: number;
  readonly at: string;
};
