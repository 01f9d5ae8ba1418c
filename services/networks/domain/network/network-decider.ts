import type { NetworkChanged, NetworkCreated, NetworkEvent } from '#contracts/networks/events.js';
import { conflict, notFound } from '#libs/errors/errors.js';
import type { Decider } from '#libs/event-store/decider.js';

export type { NetworkEvent };
type Present = { readonly status: 'present' } & Omit<NetworkCreated, 'type'>;
export type Network = { readonly status: 'absent' } | Present;
export type NetworkCommand =
  | ({ readonly type: 'Create' } & Omit<NetworkCreated, 'type'>)
  /** `heldBy`: the containers that have an endpoint, whose addresses would be of no network any more. */
  | ({ readonly type: 'Change'; readonly heldBy: readonly string[] } & Omit<NetworkChanged, 'type'>);

/** Version of the state and of what `evolve` makes of events, as snapshots have it: change it with either. */
export const NETWORK_FOLD = '2';

export const networkDecider: Decider<Network, NetworkCommand, NetworkEvent> = {
  initialState: { status: 'absent' },
  decide(command, network) {
    if (command.type === 'Create') return network.status === 'absent' ? [{ ...command, type: 'NetworkCreated' }] : [];
    const { type: _type, heldBy, ...wished } = command;
    if (network.status === 'absent') throw notFound(`network ${wished.id} not found`);
    if (place(network) === place(wished)) return [];
    if (heldBy.length > 0) throw conflict(`the network ${network.name} is ${place(network)} and cannot become ${place(wished)} while containers have addresses of it: ${heldBy.join(', ')}`);
    return [{ ...wished, type: 'NetworkChanged' }];
  },
  evolve(network, event) {
    if (event.type === 'NetworkCreated') {
      const { type: _type, ...created } = event;
      return { status: 'present', ...created };
    }
    const { subnet, gateway, bridge, options } = event;
    return network.status === 'absent' ? network : { ...network, subnet, gateway, bridge, options };
  },
};

const place = ({ subnet, bridge }: Pick<NetworkChanged, 'subnet' | 'bridge'>): string => `${subnet} on ${bridge}`;
