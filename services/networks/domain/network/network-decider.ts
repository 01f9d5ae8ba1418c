import type { NetworkCreated, NetworkEvent } from '#contracts/networks/events.js';
import type { Decider } from '#libs/event-store/decider.js';

export type { NetworkEvent };
export type Network = { readonly status: 'absent' } | ({ readonly status: 'present' } & Omit<NetworkCreated, 'type'>);
export type NetworkCommand = { readonly type: 'Create' } & Omit<NetworkCreated, 'type'>;

/** Version of the state and of what `evolve` makes of events, as snapshots have it: change it with either. */
export const NETWORK_FOLD = '1';

export const networkDecider: Decider<Network, NetworkCommand, NetworkEvent> = {
  initialState: { status: 'absent' },
  decide(command, network) {
    return network.status === 'absent' ? [{ ...command, type: 'NetworkCreated' }] : [];
  },
  evolve(_network, { type: _type, ...created }) {
    return { status: 'present', ...created };
  },
};
