import type { PruneEvent } from '#contracts/gateway/prune-events.js';
import type { Decider } from '#libs/event-store/decider.js';

export type PruneCommand = Omit<PruneEvent, 'type'> & { readonly type: 'Record' };

/** Prunes of one kind: none depends on those before it. */
export type Prunes = Readonly<Record<string, never>>;

export const PRUNE_FOLD = '1';

export const pruneDecider: Decider<Prunes, PruneCommand, PruneEvent> = {
  initialState: {},
  decide: (command) => [{ ...command, type: 'Pruned' }],
  evolve: (prunes) => prunes,
};
